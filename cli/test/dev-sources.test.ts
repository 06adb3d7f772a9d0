/** Places of a stack in the files that a person edits. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, afterEach, describe, expect, it } from 'vitest';
import { mapPlaces } from '../src/dev/sources.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wafer-sources-'));
  mkdirSync(join(root, 'dist'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Line 2 of the bundle, from its first column on, is line 7, column 3 of src/sensor.ts. */
const MAP = { version: 3, sources: ['../src/sensor.ts'], names: [], mappings: ';AAME' };

describe('a place in a stack', () => {
  it('is told relative to where the person is', () => {
    writeFileSync(join(root, 'dist/part.js'), '');
    const stack = 'oh no\n    at inner (/part.js:6:22)';
    expect(mapPlaces(stack, join(root, 'dist'), root)).toBe('oh no\n    at inner (dist/part.js:6:22)');
    expect(mapPlaces(stack, join(root, 'dist'), join(root, 'dist'))).toContain('(part.js:6:22)');
  });

  it('in no file of the guest stays as it is', () => {
    const stack = '    at inner (/part.js:6:22) /etc/passwd:1:1';
    expect(mapPlaces(stack, root, root)).toBe(stack);
  });

  it.each([
    ['a file', () => 'bundle.js.map'],
    [
      'a comment',
      () => `data:application/json;base64,${Buffer.from(JSON.stringify(MAP)).toString('base64')}`,
    ],
  ])('in a bundle is that in its source, by the map in %s', (_, url) => {
    writeFileSync(join(root, 'dist/bundle.js'), `// bundled\nboom();\n//# sourceMappingURL=${url()}\n`);
    writeFileSync(join(root, 'dist/bundle.js.map'), JSON.stringify(MAP));
    expect(mapPlaces('at tick (/bundle.js:2:1)', join(root, 'dist'), root)).toBe(
      'at tick (src/sensor.ts:7:3)',
    );
  });

  it('in a bundle whose map is broken is that in the bundle', () => {
    writeFileSync(join(root, 'dist/bundle.js'), 'boom();\n//# sourceMappingURL=none.map\n');
    expect(mapPlaces('at tick (/bundle.js:1:1)', join(root, 'dist'), root)).toBe(
      'at tick (dist/bundle.js:1:1)',
    );
  });
});
