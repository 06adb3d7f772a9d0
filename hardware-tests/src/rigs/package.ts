/**
 * The agent as boards get it: one folder that holds all it needs beside Node, made once for all rigs. What
 * is tested is what is shipped.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePackage } from '../packaged-board.ts';

export interface AgentPackage {
  readonly version: string;
  /** On this machine; its `bin/wafer-agent` starts `$WAFER_NODE`, or the `node` in the path. */
  readonly folder: string;
  remove(): void;
}

/** One that was made before, or the one of these sources. */
export async function packAgent(made: string | undefined): Promise<AgentPackage> {
  if (made !== undefined) {
    const manifest = readFileSync(join(made, 'wafer-agent.json'), 'utf8');
    return { ...(JSON.parse(manifest) as { version: string }), folder: made, remove() {} };
  }
  const out = mkdtempSync(join(tmpdir(), 'wafer-package-'));
  const { version, folder } = await makePackage(out);
  return { version, folder, remove: () => rmSync(out, { recursive: true, force: true }) };
}
