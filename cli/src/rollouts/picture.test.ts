import { stripVTControlCharacters } from 'node:util';
import type { RolloutView, WaveView } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { AT, view } from '../../test/rollout-views.ts';
import { paint } from '../terminal.ts';
import { changeLine, clockFace, picture } from './picture.ts';

const begin = Date.parse(AT);
const frame = { nowMs: begin + 125_000, sinceMs: begin, columns: 100, rows: 24 };
const drawn = (rollout: RolloutView, more: Partial<typeof frame> = {}): string[] =>
  picture(rollout, { ...frame, ...more }, (_, words) => words);

describe('a picture', () => {
  it('has a line for a wave, with a glyph for each way that devices fare', () => {
    const rollout = view('RUNNING', {
      counts: { succeeded: 5, started: 2, failed: 1, waiting: 2, causes: { trap: 1 } },
      gate: { successPercent: 80 },
    });
    expect(drawn(rollout)).toEqual([
      'rollout 3  thermo 1.1.0  RUNNING  2:05',
      'stable: thermo 1.0.0 → 1.1.0',
      `  1 5 of each architecture ${'█'.repeat(20)}${'×'.repeat(4)}${'▒'.repeat(8)}${'·'.repeat(8)}  5/10 RUNNING`,
      '    2 under way, 1 failed, at most 2 may (1 trap)',
      '█ succeeded  × failed  ▒ under way  - withdrawn  · waiting  ',
    ]);
  });

  it('counts a soak down', () => {
    const rollout = view('RUNNING', {
      wave: 'SOAKING',
      counts: { succeeded: 10 },
      gate: { soakMinutes: 10 },
    });
    expect(drawn(rollout)).toContain('    soaks for 7:55 more; 0 failed, at most 1 may');
    expect(drawn(rollout, { nowMs: begin + 3_600_000 }).join('\n')).toContain('soaks for 0:00 more');
  });

  it('says why a gate tripped, and who waits for whom', () => {
    const tripped = view('PAUSED', { reason: '2 of 10 failed; 90 % must succeed' });
    expect(drawn(tripped).join('\n')).toContain('gate tripped: 2 of 10 failed; 90 % must succeed (1 trap)');
    const asking = view('RUNNING', { wave: 'AWAITING_APPROVAL', counts: { succeeded: 10 } });
    expect(drawn(asking).join('\n')).toContain('waits for a person: wafer rollout approve');
  });

  it('is no wider than the terminal, and in colours all the same', () => {
    const rollout = view('RUNNING', { more: { name: 'x'.repeat(100) } });
    for (const line of drawn(rollout, { columns: 60 })) expect(line.length).toBeLessThan(60);
    const [first = ''] = picture(rollout, { ...frame, columns: 60 }, paint);
    expect(stripVTControlCharacters(first)).toHaveLength(59);
  });

  it('shows the waves around the current one where there is no room for all', () => {
    const [wave] = view('RUNNING').waves as [WaveView];
    const waves = Array.from({ length: 40 }, (_, index): WaveView => {
      const state = index < 20 ? 'PASSED' : index === 20 ? 'RUNNING' : 'WAITING';
      return { ...wave, name: `number ${index + 1}`, state };
    });
    const lines = drawn(view('RUNNING', { more: { waves } }), { rows: 16 });
    expect(lines.length).toBeLessThan(16);
    expect(lines.join('\n')).toMatch(/number 21 .* RUNNING/);
    expect(lines).toContain('    waves: 40');
  });

  it('obeys no control character in a name', () => {
    const rollout = view('RUNNING', { more: { name: 'a\u001b[2Jb' } });
    expect(drawn(rollout)[0]).toContain('a\\u001b[2Jb');
    expect(changeLine(rollout)).toContain('a\\u001b[2Jb: RUNNING');
  });
});

it('where nothing can be drawn over, a change is one line', () => {
  expect(changeLine(view('RUNNING'))).toBe(
    'thermo 1.1.0: RUNNING, wave 1 of 1 (5 of each architecture) RUNNING: 3 of 10 succeeded, 1 failed (1 trap), 2 under way, 4 waiting',
  );
  expect(changeLine(view('PAUSED', { reason: 'Wave 1: too bad.' }))).toMatch(
    /^thermo 1\.1\.0: PAUSED: Wave 1: too bad\. wave 1 of 1/,
  );
});

it('time is shown as clocks do', () => {
  expect([0, 7_900, 750_000, 3_723_000, -5].map(clockFace)).toEqual([
    '0:00',
    '0:07',
    '12:30',
    '1:02:03',
    '0:00',
  ]);
});
