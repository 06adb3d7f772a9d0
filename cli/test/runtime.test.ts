/** The engine inside JavaScript guests: derived from the package, not hand-made, and frozen. */
import { readFileSync, mkdtempSync, rmSync, cpSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspect } from '../src/publish/component.ts';
import { componentizeJavaScript, RUNTIME_FILE } from '../src/publish/javascript/componentize.ts';
import { frozenRuntime, shippedRuntime } from '../src/publish/javascript/frozen-runtime.ts';

describe('the runtime that is checked in', () => {
  it('is what the script makes of the package', { timeout: 30_000 }, () => {
    expect(Buffer.from(frozenRuntime(shippedRuntime())).equals(readFileSync(RUNTIME_FILE))).toBe(true);
  });
});

describe('a guest in JavaScript', () => {
  const SOURCE = `
    // Whatever depends on time or chance while it is built would show here.
    const built = [Date.now(), Math.random(), [...new Set(['a', 'b', 'c'])].join()];
    export const lifecycle = { start() { if (built.length === 0) throw 'no'; }, stop() {} };`;

  it('has the same bytes wherever and whenever it is built', { timeout: 30_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wafer-'));
    writeFileSync(join(folder, 'guest.js'), SOURCE);
    const here = await componentizeJavaScript(join(folder, 'guest.js'));
    cpSync(join(folder, 'guest.js'), join(folder, 'other/place/guest.js'));
    const there = await componentizeJavaScript(join(folder, 'other/place/guest.js'));
    rmSync(folder, { recursive: true });
    expect(Buffer.from(here).equals(Buffer.from(there))).toBe(true);
    // No grant of randomness is needed by a guest that does not ask for it.
    expect((await inspect(here)).imports.filter((name) => name.startsWith('wasi:random'))).toEqual([]);
  });
});
