/** Watching a rollout: what is drawn where, through a restart of the server, and how it ends. */
import type { RolloutView } from '@wafer/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { problem } from './fleet-server.ts';
import { type Person, signedIn } from './person.ts';
import { ID, view } from './rollout-views.ts';

let person: Person;
afterEach(() => person.leave());

type Look = RolloutView | 'away';

/** Each look finds the next of these, and the last one for ever; orders change nothing. */
async function withLooks(
  looks: readonly Look[],
  options: Parameters<typeof signedIn>[0] = {},
): Promise<void> {
  person = await signedIn(options);
  let at = 0;
  person.server.intercept = (_, path) => {
    if (!path.startsWith('/rollouts')) return undefined;
    const look = looks[Math.min(at, looks.length - 1)];
    at += 1;
    return look === 'away'
      ? problem('server.unavailable', 'the database cannot be reached')
      : { status: 200, body: look };
  };
}

const begun = view('RUNNING', { counts: { started: 10 } });
const half = view('RUNNING', { counts: { started: 5, succeeded: 5 } });
const done = view('COMPLETED', { wave: 'PASSED', counts: { succeeded: 10 } });

describe('watching', () => {
  it('draws over what it drew, in colours, on a terminal', async () => {
    await withLooks([begun, begun, half, done], { terminal: true });
    const run = await person.wafer('rollout', 'watch', ID);
    expect(run.exit).toBe(0);
    expect(run.stderr).toContain('\u001b[5A\u001b[J');
    expect(run.stderr).toContain('\u001b[32m█');
    expect(run.stderr).toContain('5/10');
    expect(run.stderr.trimEnd().split('\n').at(-2)).toContain('PASSED');
  });

  it('has no colours where NO_COLOR says so', async () => {
    await withLooks([begun, half, done], { terminal: true });
    person.env['NO_COLOR'] = '1';
    const run = await person.wafer('rollout', 'watch', ID);
    expect(run.stderr + run.stdout).not.toContain('\u001b[32m');
    expect(run.stderr + run.stdout).not.toContain('\u001b[36m');
    expect(run.stderr).toContain('█');
  });

  it('writes a line a change where there is no terminal', async () => {
    await withLooks([begun, begun, begun, half, half, done]);
    const { stderr } = await person.wafer('rollout', 'watch', ID);
    expect(stderr.split('\n').filter((line) => line !== '')).toEqual([
      expect.stringContaining('0 of 10 succeeded, 0 failed, 10 under way'),
      expect.stringContaining('5 of 10 succeeded, 0 failed, 5 under way'),
      expect.stringContaining('thermo 1.1.0: COMPLETED'),
    ]);
  });

  it('with --json writes a JSON line a change, and nothing else', async () => {
    await withLooks([begun, begun, half, done]);
    const { exit, stdout, stderr } = await person.wafer('rollout', 'watch', ID, '--json');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as RolloutView).state)).toEqual([
      'RUNNING',
      'RUNNING',
      'COMPLETED',
    ]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  });

  it('goes on when the server was away, and says so once', async () => {
    await withLooks([begun, half, 'away', 'away', 'away', done]);
    const { exit, stderr } = await person.wafer('rollout', 'watch', ID);
    expect(exit).toBe(0);
    expect(stderr.match(/Trying again/g)).toHaveLength(1);
    expect(stderr).toMatch(/the database cannot be reached.*\nthe server answers again\n.*COMPLETED/);
  });

  it('gives up on a server that stays away', async () => {
    await withLooks([begun, begun, 'away']);
    const since = person.now;
    const run = await person.wafer('rollout', 'watch', ID);
    expect(run.exit).toBe(6);
    expect(person.now - since).toBeGreaterThan(10 * 60_000);
    // It has not asked all the time.
    expect(person.server.requests.length).toBeLessThan(100);
  });

  it('of a rollout that there is not ends at once', async () => {
    await withLooks([begun]);
    person.server.intercept = () => problem('rollout.not-found', 'There is none.');
    expect(await person.wafer('rollout', 'watch', ID)).toMatchObject({ exit: 4 });
    expect(person.server.requests).toHaveLength(1);
  });
});

describe('the exit code', () => {
  it.each([
    ['completed', done, 0, ''],
    ['was aborted', view('ABORTED', { reason: 'wrong build' }), 7, 'is ABORTED: wrong build'],
    ['went back', view('ROLLED_BACK', { wave: 'TRIPPED' }), 7, 'is ROLLED_BACK'],
    [
      'waits for an approval of the next wave',
      view('RUNNING', { wave: 'AWAITING_APPROVAL', counts: { succeeded: 10 } }),
      7,
      'is RUNNING: it waits for an approval',
    ],
    ['waits for another person', view('AWAITING_APPROVAL'), 7, 'the approval of another person'],
    ['was not started', view('DRAFT', { counts: {} }), 7, 'is DRAFT: it was not started'],
  ])('tells that it %s', async (_, last, exit, words) => {
    await withLooks([begun, last]);
    const run = await person.wafer('rollout', 'watch', ID);
    expect(run.exit).toBe(exit);
    expect(run.stderr).toContain(words);
  });

  it.each(['start', 'resume', 'approve', 'retry'])('of %s --wait is 0 when it completed', async (action) => {
    await withLooks([begun, half, done]);
    expect((await person.wafer('rollout', action, ID, '--wait', '--json')).json()).toMatchObject({
      state: 'COMPLETED',
    });
  });

  it('of rollback --wait is 0 when every device is back', async () => {
    await withLooks([view('ROLLING_BACK'), view('ROLLING_BACK'), view('ROLLED_BACK')]);
    expect(await person.wafer('rollout', 'rollback', ID, '--wait')).toMatchObject({ exit: 0 });
  });

  it('of an order that leads nowhere by itself is that of the order', async () => {
    await withLooks([view('PAUSED')]);
    expect(await person.wafer('rollout', 'pause', ID)).toMatchObject({ exit: 0 });
    expect(await person.wafer('rollout', 'pause', ID, '--wait')).toMatchObject({ exit: 2 });
  });
});
