/** hello-c, as it is checked in: adapted from preview 1 by `wafer build`, then run as a command. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const HERE = import.meta.dirname;
const node = (...args: string[]) => execFileSync(process.execPath, args, { encoding: 'utf8' });

let folder: string;
let component: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafer-hello-'));
  component = join(folder, 'hello.wasm');
  const wafer = join(HERE, '../../cli/src/main.ts');
  node(wafer, 'build', join(HERE, '../hello-c/hello.wasm'), '--output', component);
}, 30_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('hello-c', () => {
  it('says the greeting of its environment', { timeout: 30_000 }, () => {
    const output = node(join(HERE, 'run-command.ts'), component, '{"GREETING":"Good day"}');
    expect(output).toBe('Good day from C on this board\n');
  });

  it('says hello without one', { timeout: 30_000 }, () => {
    expect(node(join(HERE, 'run-command.ts'), component)).toBe('Hello from C on this board\n');
  });
});
