import { describe, expect, it } from 'vitest';
import type { Told } from './events.ts';
import { advice } from './grants.ts';
import { readLine } from './input.ts';
import { show } from './show.ts';

const AT = new Date(2026, 10, 21, 9, 5, 7);
const plain = (told: Told) => show(told, AT, false);

describe('events at a terminal', () => {
  it('have their time, what they are, and below them what has more lines', () => {
    const message = 'In tick: no sensor\n    at read_sensor (wasm-function[8]:0x1fe)';
    expect(plain({ event: 'fault', fault: { kind: 'trap', message } })).toBe(
      [
        '09:05:07 fault    trap: In tick: no sensor',
        '                      at read_sensor (wasm-function[8]:0x1fe)',
        '',
      ].join('\n'),
    );
  });

  it('tell of a swap what it cost', () => {
    const figures = {
      cause: 'release' as const,
      prepareMs: 310,
      startMs: 21,
      probeMs: 0.06,
      gapMs: 0.04,
      drainMs: 1,
      lostCalls: 0,
    };
    expect(plain({ event: 'swapped', id: 1, figures, buildMs: 905, totalMs: 1290, bytes: 1 })).toBe(
      '09:05:07 swapped  swapped in 1.3 s (build 0.9, prepare 0.3, start 0.02, probe 0.00, gap 0.0 ms, 0 lost calls)\n',
    );
  });

  it('are coloured by level where that is wanted', () => {
    const text = show({ event: 'log', level: 'error', text: 'broken' }, AT, true);
    expect(text).toContain('\u001b[31merror    \u001b[39mbroken\n');
    expect(show({ event: 'log', level: 'info', text: 'fine' }, AT, true)).toMatch(/ info {5}fine\n$/);
  });

  it('show what would move the cursor instead of obeying it', () => {
    expect(plain({ event: 'log', level: 'info', text: 'a\u001b[2J\rb' })).toContain('a\\u001b[2J\\u000db');
    expect(plain({ event: 'publish', topic: 't\u0007', text: 'x' })).not.toContain('\u0007');
  });
});

describe('what wafer.yaml would have to say', () => {
  it.each([
    ['messaging.publish alarms/x', `grants: { messaging: { publish: ['alarms/x'] } }`],
    ['messaging.subscribe do/x', `grants: { messaging: { subscribe: ['do/x'] } }`],
    ['keyvalue books', 'grants: { keyvalue: [{ store: books, maxBytes: 65536 }] }'],
    ['wasi:clocks/wall-clock@0.2.12#now', 'grants: { clock: true }'],
    ['wasi:sockets/tcp@0.2.12#bind', undefined],
    ['filesystem /data', undefined],
  ])('for a denied %s', (subject, expected) => {
    expect(advice({ kind: 'capability-denied', message: '', subject })).toBe(expected);
  });

  it('for a limit that was broken, and nothing for a trap', () => {
    expect(advice({ kind: 'deadline', message: '' })).toContain('deadlineMs');
    expect(advice({ kind: 'memory-limit', message: '' })).toContain('memoryMiB');
    expect(advice({ kind: 'trap', message: '' })).toBeUndefined();
  });
});

describe('a typed line', () => {
  it.each([
    ['', { ask: 'nothing' }],
    [' r ', { ask: 'restart' }],
    ['q', { ask: 'quit' }],
    ['?', { ask: 'help' }],
    ['readings', { ask: 'send', topic: 'readings', payload: '' }],
    ['commands/read {"a": 1}', { ask: 'send', topic: 'commands/read', payload: '{"a": 1}' }],
  ])('%j', (line, asked) => {
    expect(readLine(line)).toEqual(asked);
  });
});
