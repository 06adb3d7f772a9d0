/** `run`: the agent on an enrolled folder, until a signal ends it. */
import { performance } from 'node:perf_hooks';
import { systemClock } from '@wafer/protocol';
import { startAgent } from './agent.ts';
import { createRuntime } from './apps/host.ts';
import { ConfigError, readConfig } from './config.ts';
import { chooseCompiler } from './engine.ts';
import { readIdentity } from './link/identity.ts';
import { lockFolder } from './lock.ts';
import { stderrLog } from './log.ts';
import { selfTest } from './self-test/self-test.ts';
import { RELEASE } from './release.ts';
import { OwnRelease, startOf, SWITCH_CODE } from './self-update/own-release.ts';
import { withOwnRelease } from './self-update/runtime.ts';
import { createWatchdog } from './watchdog.ts';

/** Resolves once it is up. Throws ConfigError when the folder is not enrolled or in use. */
export async function run(folder: string): Promise<void> {
  chooseCompiler();
  const identity = await readIdentity(folder);
  if (identity === undefined) throw new ConfigError(`${folder} is not enrolled; run enrol first`);
  const config = await readConfig(folder);
  if ((await lockFolder(folder)) === undefined) {
    throw new ConfigError(`another agent runs on ${folder}`);
  }
  const log = stderrLog(systemClock);
  // A promise that nobody awaited is a mistake of ours, but leaves every invariant in place.
  process.on('unhandledRejection', (error) => log('error', 'defect', { error: stack(error) }));
  // After a throw out of an event nothing is certain: the journal is, and a fresh start reads it.
  process.on('uncaughtException', (error) => {
    log('error', 'defect', { error: stack(error) });
    process.exit(1);
  });
  let leaveWith: number | undefined;
  let leave = (code: number): void => void (leaveWith = code);
  const own = await OwnRelease.open({
    dataFolder: folder,
    start: startOf(process.env),
    version: RELEASE.version,
    leave: () => leave(SWITCH_CODE),
    now: () => performance.now(),
  });
  const watchdog = createWatchdog(process.env, () => performance.now());
  const agent = await startAgent({
    folder,
    identity,
    config,
    log,
    selfTest: (clock) => selfTest({ folder, clock }),
    createRuntime: (options) => withOwnRelease(createRuntime(options), own),
    onAcknowledged: () => own.acknowledged(),
    onLook: (pulse) => {
      watchdog.beat(pulse);
      own.tick().catch((error: unknown) => log('error', 'defect', { error: stack(error) }));
    },
    onReady: () => process.stdout.write(`${JSON.stringify({ ready: true, device: identity.device })}\n`),
  });
  watchdog.ready();
  let isLeaving = false;
  leave = (code) => {
    if (isLeaving) return;
    isLeaving = true;
    void agent
      .close()
      .catch((error: unknown) => log('error', 'defect', { error: stack(error) }))
      .finally(() => process.exit(code));
  };
  // An order that was known at the boot may have been carried out already.
  if (leaveWith !== undefined) leave(leaveWith);
  process.on('SIGTERM', () => leave(0));
  process.on('SIGINT', () => leave(0));
}

const stack = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
