/** The bounds in the bindings, as the pinned transpiler makes them for a component that takes lists. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { boundBindings } from '../../src/apps/bound-bindings.ts';
import { Board } from './harness.ts';

it('every list that is taken from a guest is bounded, and no handle is remembered for ever', async () => {
  const board = new Board();
  try {
    const { folder } = await board.prepare();
    const script = readFileSync(join(folder, 'component.js'), 'utf8');
    const lists = script.match(/\[\];[^\n]*\n\s*for \((?:let|var) i = 0; i < len/g) ?? [];
    expect(lists.length).toBeGreaterThan(1);
    for (const list of lists) expect(list).toContain('$bounded(len');
    expect(script).not.toContain('_createdReps.add');
    const copies = script.match(/\.buffer\.slice\([^\n]*/g) ?? [];
    expect(copies.length).toBeGreaterThan(1);
    for (const copy of copies) expect(copy).toContain('$copied(len');
    const imports = script.match(/const _trampoline\d+ = [^\n]*/g) ?? [];
    expect(imports.length).toBeGreaterThan(1);
    for (const each of imports) expect(each).toContain('$entered();');
  } finally {
    await board.close();
  }
});

it('bindings of another shape are refused', () => {
  expect(() => boundBindings('new Uint8Array(memory0.buffer.slice(at, at + length))')).toThrow(/bounded/);
  expect(() => boundBindings('const other = [];\n for (let i = 0; i < len; i++) {')).toThrow(/bounded/);
});
