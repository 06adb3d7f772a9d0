/** The file that names real boards, and what is wrong with one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readBoards } from '../src/rigs/boards-file.ts';
import { rigsFor } from '../src/rigs/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'wafer-boards-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (text: string): string => {
  const path = join(folder, 'boards.yaml');
  writeFileSync(path, text);
  return path;
};

it('names no board where there is no such file', () => {
  expect(readBoards(join(folder, 'nowhere.yaml'))).toEqual([]);
});

it('needs a name and a host, and has defaults for the rest', () => {
  const path = file('boards: [{ name: pi-5, host: pi@raspberrypi.local }]');
  expect(readBoards(path)).toEqual([
    { name: 'pi-5', host: 'pi@raspberrypi.local', node: 'node', options: [], patience: 3 },
  ]);
});

it.each([
  ['boards: [{ name: pi-5 }]', /boards\.0\.host/],
  ['boards: [{ name: Pi, host: pi }]', /boards\.0\.name: a name is/],
  ['boards: [{ name: pi, host: -oProxyCommand=evil }]', /boards\.0\.host: a host/],
  ['boards: [{ name: pi, host: pi, usr: root }]', /boards\.0: .*usr/],
])('refuses %j, naming the place', (text, complaint) => {
  expect(() => readBoards(file(text))).toThrow(complaint);
});

it('a board may not be called as a rig that there is', () => {
  expect(() => rigsFor(undefined, file('boards: [{ name: arm64, host: pi }]'))).toThrow(
    /a rig arm64 already/,
  );
});

it('a rig of a name that nobody has is an error that names those there are', () => {
  const path = file('boards: [{ name: pi, host: pi }]');
  expect(() => rigsFor(['pie'], path)).toThrow('there is no rig pie; there are local, arm64, riscv64, pi');
});
