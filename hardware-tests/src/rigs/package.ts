/**
 * The agent as boards get it: one folder that holds all it needs beside Node, made once for all rigs. What
 * is tested is what is shipped.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../rig.ts';

export interface AgentPackage {
  readonly version: string;
  /** On this machine; its `bin/wafer-agent` starts `$WAFER_NODE`, or the `node` in the path. */
  readonly folder: string;
  remove(): void;
}

/** One that was made before, or the one of these sources. */
export function packAgent(made: string | undefined): AgentPackage {
  if (made !== undefined)
    return { version: versionIn(join(made, 'wafer-agent.json')), folder: made, remove() {} };
  return stage();
}

const versionIn = (file: string): string =>
  (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;

function stage(): AgentPackage {
  const packager = join(ROOT, 'device-agent/package/main.ts');
  if (existsSync(packager)) {
    const out = mkdtempSync(join(tmpdir(), 'wafer-package-'));
    const remove = (): void => rmSync(out, { recursive: true, force: true });
    const said = execFileSync(process.execPath, [packager, '--out', out], { encoding: 'utf8' });
    const { version, folder } = JSON.parse(said.trim().split('\n').at(-1) ?? '') as {
      version: string;
      folder: string;
    };
    return { version, folder, remove };
  }
  const builder = join(ROOT, 'device-agent/build.ts');
  execFileSync(process.execPath, [builder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const folder = mkdtempSync(join(tmpdir(), 'wafer-package-'));
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin/wafer-agent');
  const main = join(ROOT, 'device-agent/src/main.ts');
  writeFileSync(program, `#!/bin/sh\nexec "\${WAFER_NODE:-node}" ${main} "$@"\n`, { mode: 0o755 });
  const version = versionIn(join(ROOT, 'device-agent/package.json'));
  return { version, folder, remove: () => rmSync(folder, { recursive: true }) };
}
