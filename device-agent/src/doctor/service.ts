/** Checks of what starts the agent, and of which agent it starts. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Links } from '../self-update/links.ts';
import { lockFolder } from '../lock.ts';
import type { Check, Finding } from './doctor.ts';

const UNIT = 'wafer-agent.service';

function systemctl(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile('systemctl', args, { timeout: 5000 }, (_, said) => resolve(said.trim()));
  });
}

export const unit: Check = async ({ folder }) => {
  const lock = await lockFolder(folder);
  lock?.close();
  const isRunning = lock === undefined;
  if (!existsSync('/run/systemd/system')) return runningFinding(isRunning);
  const [enabled, active] = await Promise.all([systemctl('is-enabled', UNIT), systemctl('is-active', UNIT)]);
  if (enabled === '' || enabled === 'not-found') return runningFinding(isRunning);
  return unitFinding(enabled, active, isRunning);
};

const runningFinding = (isRunning: boolean): Finding =>
  isRunning
    ? { verdict: 'ok', detail: 'the agent runs, and no unit of systemd starts it' }
    : { verdict: 'warn', detail: 'the agent does not run', advice: 'start it: wafer-agent run' };

/** In systemctl's words. */
export function unitFinding(enabled: string, active: string, isRunning: boolean): Finding {
  const detail = `${UNIT} is ${enabled} and ${active}`;
  if (active === 'active' && isRunning) {
    return enabled === 'enabled'
      ? { verdict: 'ok', detail }
      : {
          verdict: 'warn',
          detail,
          advice: `it would not start with the board: sudo systemctl enable ${UNIT}`,
        };
  }
  return {
    verdict: 'fail',
    detail: active === 'active' ? `${detail}, but the agent below it has not come up` : detail,
    advice: `wafer-agent logs says why; then sudo systemctl enable --now ${UNIT}`,
  };
}

export const ownRelease: Check = async ({ folder }) => {
  const links = Links.at(folder);
  const [current, next, givenUp] = await Promise.all([
    links.read('current'),
    links.read('next'),
    links.givenUp(),
  ]);
  const what = current === undefined ? "the package's own agent" : `agent release ${current.slice(0, 12)}`;
  if (givenUp !== undefined) {
    return {
      verdict: 'warn',
      detail: `${what}; release ${givenUp.digest.slice(0, 12)} was given up: ${givenUp.why}`,
      advice: 'wafer-agent logs has what it said',
    };
  }
  const trial = next === undefined ? '' : `, with ${next.slice(0, 12)} on trial`;
  return { verdict: 'ok', detail: `${what}${trial}` };
};
