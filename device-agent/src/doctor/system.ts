/** Checks of the board and its system. */
import { readFile, statfs } from 'node:fs/promises';
import { systemSaysSynchronised } from '../link/synchronised.ts';
import { RELEASE } from '../release.ts';
import { isOlder } from '../self-update/unpack.ts';
import type { Check, Finding } from './doctor.ts';

const NEEDED_NODE = '24.15.0';
const MIB = 1024 * 1024;

export const node = (): Finding => nodeFinding(process.versions.node, process.arch);

export const nodeFinding = (version: string, arch: string): Finding =>
  isOlder(version, NEEDED_NODE)
    ? {
        verdict: 'fail',
        detail: `Node ${version} is too old`,
        advice: `install Node ${NEEDED_NODE} or newer (docs/boards.md says from where)`,
      }
    : { verdict: 'ok', detail: `Node ${version} on ${arch}` };

export const clockIsRight: Check = async ({ clock }) =>
  clockFinding(clock.now(), await systemSaysSynchronised());

export function clockFinding(now: number, isSynchronised: boolean | undefined): Finding {
  const said = new Date(now).toISOString();
  const advice =
    'let something set it: sudo timedatectl set-ntp true; until then the server is asked for the time';
  if (now < Date.parse(RELEASE.day)) {
    return { verdict: 'warn', detail: `${said} is before this agent was released (${RELEASE.day})`, advice };
  }
  return isSynchronised === false
    ? { verdict: 'warn', detail: `${said}, and nothing keeps it right`, advice }
    : { verdict: 'ok', detail: said };
}

export const disk: Check = async ({ folder }) => {
  const { bavail, bsize } = await statfs(folder);
  return diskFinding(bavail * bsize, folder);
};

/** A component, what is made of it, and a new agent beside the one that runs. */
export function diskFinding(freeBytes: number, folder: string): Finding {
  const detail = `${Math.floor(freeBytes / MIB)} MiB free for ${folder}`;
  const advice = 'make room: what is installed runs on, and nothing new is taken';
  if (freeBytes < 16 * MIB) return { verdict: 'fail', detail, advice };
  return freeBytes < 128 * MIB ? { verdict: 'warn', detail, advice } : { verdict: 'ok', detail };
}

export const memory: Check = async () => {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  return text === '' ? undefined : memoryFinding(text);
};

/** `meminfo` as Linux writes it. Preparing a component takes some 200 MB for a moment. */
export function memoryFinding(meminfo: string): Finding {
  const of = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(meminfo)?.[1]) * 1024;
  const [available, total] = [of('MemAvailable'), of('MemTotal')];
  const detail = `${Math.floor(available / MIB)} MiB of ${Math.floor(total / MIB)} MiB available`;
  return available < 192 * MIB
    ? {
        verdict: 'warn',
        detail,
        advice: 'end something else, or add swap: a new release needs 200 MiB for a moment',
      }
    : { verdict: 'ok', detail };
}
