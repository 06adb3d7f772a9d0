/**
 * The agent as boards get it: one folder that holds all it needs beside Node, made once for all rigs. What
 * is tested is what is shipped.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../rig.ts';

export interface AgentPackage {
  readonly version: string;
  /** On this machine; read only. */
  readonly folder: string;
  /** The agent's program; it starts `$WAFER_NODE`, or the `node` in the path. */
  readonly program: string;
  /** What else has to be there, at the same place. */
  readonly needs: readonly string[];
  remove(): void;
}

export function packAgent(): AgentPackage {
  execFileSync(process.execPath, [join(ROOT, 'device-agent/build.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const folder = mkdtempSync(join(tmpdir(), 'wafer-package-'));
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin/wafer-agent');
  const main = join(ROOT, 'device-agent/src/main.ts');
  writeFileSync(program, `#!/bin/sh\nexec "\${WAFER_NODE:-node}" ${main} "$@"\n`, { mode: 0o755 });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'device-agent/package.json'), 'utf8')) as {
    version: string;
  };
  return { version, folder, program, needs: [ROOT], remove: () => rmSync(folder, { recursive: true }) };
}
