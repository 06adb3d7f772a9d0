import { expect, test } from 'vitest';
import { readWorld, worldOf } from './wit.ts';

const WIT = `package root:component;

world root {
  import wasi:logging/logging@0.1.0-draft;
  import wasi:clocks/wall-clock@0.2.12;

  export wafer:app/lifecycle@0.1.0;
  export bare: func();
  export %list: func();
  export plain: interface {
    import-like: func();
  }
}
package wasi:clocks@0.2.12 {
  interface wall-clock {
    import now: func();
  }
}
`;

test('imports and exports are those of the world alone, sorted, with their versions', () => {
  expect(readWorld(WIT)).toEqual({
    imports: ['wasi:clocks/wall-clock@0.2.12', 'wasi:logging/logging@0.1.0-draft'],
    exports: ['bare', 'list', 'plain', 'wafer:app/lifecycle@0.1.0'],
  });
});

test('a text without a world has none', () => {
  expect(readWorld('package root:component;')).toBeUndefined();
});

test('the exports say which world drives a component', () => {
  expect(worldOf(['wafer:app/lifecycle@0.1.0', 'wafer:app/health@0.1.0'])).toBe('reactor');
  expect(worldOf(['wasi:cli/run@0.2.6'])).toBe('command');
  expect(worldOf(['wasi:cli/run@0.3.0'])).toBeUndefined();
  expect(worldOf(['wasi:http/incoming-handler@0.2.6'])).toBeUndefined();
});
