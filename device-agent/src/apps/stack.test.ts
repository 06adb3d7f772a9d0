/** Stacks as V8 and the engine of JavaScript guests gave them, word for word. */
import { describe, expect, it } from 'vitest';
import { describeTrap, enteredBy, wasmFrames } from './stack.ts';

const trap = (message: string, ...frames: string[]): Error => {
  const error = new Error(message);
  error.stack = [`RuntimeError: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return error;
};
const UNREACHABLE = 'wasm trap: wasm `unreachable` instruction executed';
const HOST = [
  'wasi:cli/run@0.2.12#run (wasm://wasm/ee6a195a:wasm-function[54]:0x1dba)',
  'fn (<anonymous>:7143:25)',
  '_withGlobalCurrentTaskMeta (<anonymous>:1573:16)',
  '#invoke (file:///srv/device-agent/src/apps/guest.ts:116:44)',
];
/** Lines of standard error of a script that threw where its function can answer no error. */
const SCRIPT_THREW = [
  "thread '<unnamed>' (1) panicked at crates/runtime/src/interpreter.rs:51:31:",
  "Failed to call 'run': Value(Exception(",
  `Exception { message: Some("cannot read property 'x' of \\"null\\""), stack: Some("    at inner (/part.js:6:22)\\n    at run (/run.js:1:29)\\n") })`,
  ')',
  'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace',
];

describe('a trap of a guest in C', () => {
  const error = trap(
    UNREACHABLE,
    'read_sensor (wasm://wasm/00057586:wasm-function[8]:0x1fe)',
    'measure (wasm://wasm/00057586:wasm-function[7]:0x1da)',
    '__original_main (wasm://wasm/00057586:wasm-function[6]:0x1b2)',
    '_start (wasm://wasm/00057586:wasm-function[5]:0x183)',
    '_start.command_export (wasm://wasm/00057586:wasm-function[50]:0x3cc0)',
    ...HOST,
  );

  it('is told with its last words, the cause, and its own functions only', () => {
    expect(describeTrap(error, ['', 'no sensor'])).toBe(
      [
        'no sensor',
        UNREACHABLE,
        '    at read_sensor (wasm-function[8]:0x1fe)',
        '    at measure (wasm-function[7]:0x1da)',
        '    at _start (wasm-function[5]:0x183)',
      ].join('\n'),
    );
  });

  it('without names keeps the first place and counts the others', () => {
    const stripped = trap(
      UNREACHABLE,
      'wasm://wasm/340505be:wasm-function[10]:0x91c',
      'wasm://wasm/340505be:wasm-function[7]:0x1f0',
      'wasm://wasm/340505be:wasm-function[6]:0x1b2',
      ...HOST,
    );
    expect(describeTrap(stripped, []).split('\n').slice(1)).toEqual([
      '    at wasm-function[10]:0x91c',
      '    … 2 more without names',
    ]);
  });
});

describe('a panic of a guest in Rust', () => {
  it('keeps its own place and drops the machinery of panicking', () => {
    const error = trap(
      UNREACHABLE,
      '__rust_start_panic (wasm://wasm/00057586:wasm-function[80]:0x1)',
      'std::panicking::rust_panic_with_hook::h0123456789abcdef (wasm://wasm/00057586:wasm-function[79]:0x2)',
      'core::panicking::panic_fmt::h0123456789abcdef (wasm://wasm/00057586:wasm-function[78]:0x3)',
      'sensor::read::{{closure}}::h0123456789abcdef (wasm://wasm/00057586:wasm-function[8]:0x4)',
      'sensor::main::hfedcba9876543210 (wasm://wasm/00057586:wasm-function[7]:0x5)',
      ...HOST,
    );
    const words = [
      "thread 'main' (1) panicked at src/main.rs:3:5:",
      'no sensor',
      'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace',
    ];
    expect(describeTrap(error, words)).toBe(
      [
        'panicked at src/main.rs:3:5:',
        'no sensor',
        UNREACHABLE,
        '    at sensor::read::{{closure}} (wasm-function[8]:0x4)',
        '    at sensor::main (wasm-function[7]:0x5)',
      ].join('\n'),
    );
  });
});

describe('a throw of a guest in JavaScript', () => {
  const error = trap(UNREACHABLE, 'wasm://wasm/002f1ada:wasm-function[893]:0x4d97e', ...HOST);

  it('is told in its own words, with the places in its files', () => {
    expect(describeTrap(error, SCRIPT_THREW)).toBe(
      `cannot read property 'x' of "null"\n    at inner (/part.js:6:22)\n    at run (/run.js:1:29)`,
    );
  });

  it('that the engine made of a wrong argument says what was wrong with it', () => {
    const words = [
      "thread '<unnamed>' (1) panicked at crates/runtime/src/call.rs:302:36:",
      'unknown enum case: nolevel',
      'note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace',
    ];
    expect(describeTrap(error, words)).toBe('unknown enum case: nolevel');
  });

  it('without a stack is its message', () => {
    const words = [`Exception { message: Some("out of memory"), stack: None }`];
    expect(describeTrap(error, words)).toBe('out of memory');
  });
});

describe('what a guest chose', () => {
  it('is bounded in lines, in their length and in characters', () => {
    const name = `evil\u001b[2J${'x'.repeat(5000)}`;
    const deep = Array.from(
      { length: 500 },
      (_, at) => `${name}${at} (wasm://wasm/1:wasm-function[${at}]:0x1)`,
    );
    const frames = wasmFrames(trap('deep', ...deep).stack ?? '');
    expect(frames).toHaveLength(17);
    expect(frames.at(-1)).toBe('    … 484 more');
    expect(Math.max(...frames.map((line) => line.length))).toBeLessThanOrEqual(160);
    expect(frames.join('')).not.toContain('\u001b');
    expect(describeTrap(trap('deep', ...deep), [name.repeat(10)]).length).toBeLessThan(4000);
  });

  it('is no error at all, and is told all the same', () => {
    expect(describeTrap('a string', [])).toBe('a string');
  });
});

describe('the import by which a guest came in', () => {
  it('is the outermost host function, whatever bindings stand around it', () => {
    const stack = (...frames: string[]): string =>
      ['WitError: no-entry', ...frames.map((frame) => `    at ${frame}`)].join('\n');
    const bindings = ['fn (<anonymous>:9753:19)', '_trampoline55 (<anonymous>:9750:24)'];
    const own = (name: string, file: string) =>
      `${name} (file:///srv/device-agent/src/capabilities/${file}:1:1)`;
    expect(enteredBy(stack(own('send', 'messaging.ts'), own('sendOwned', 'messaging.ts'), ...bindings))).toBe(
      'sendOwned',
    );
    expect(enteredBy(stack(own('failed', 'errno.ts'), own('Descriptor.openAt', 'descriptor.ts')))).toBe(
      'Descriptor.openAt',
    );
    expect(enteredBy(stack(own('Function.connect', 'messaging.ts')))).toBe('connect');
    expect(enteredBy(stack(...bindings))).toBeUndefined();
    // Of a build, which is one text; below the bindings are the frames of whoever called the guest.
    const built = (name: string) => `${name} ([worker eval]:2:6805)`;
    const entered = [built('failure2'), built('StatefulDigitalOutPin.get'), ...bindings, built('Guest.call')];
    expect(enteredBy(stack(...entered))).toBe('StatefulDigitalOutPin.get');
    expect(enteredBy(stack(built('fail'), 'Array.map (<anonymous>)', built('Poll.poll'), ...bindings))).toBe(
      'Poll.poll',
    );
  });
});
