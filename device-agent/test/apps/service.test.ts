/** Services: commands that keep running, in an isolate of their own. */
import { setTimeout as pause } from 'node:timers/promises';
import { AppName } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Board, faultOf, type SpecParts } from './harness.ts';
import { everyTurn, service } from './service-component.ts';

const SERVICE = AppName.parse('beacon');
let board: Board;
beforeAll(async () => {
  board = new Board(1);
  await board.prepare();
}, 60_000);
afterAll(() => board.close());
beforeEach(async () => {
  await board.runtime.stop(SERVICE);
  board.forget();
});

const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 800) throw new Error('it did not come about');
    await pause(10);
  }
};
const health = () => board.runtime.health().find(({ app }) => app === SERVICE);
const lines = () => board.told.lines.filter(({ app }) => app === SERVICE).map(({ text }) => text);

const run = async (body: string, parts: SpecParts = {}) =>
  board.install(
    {
      app: 'beacon',
      world: 'command',
      triggers: { keepRunning: true },
      grants: { clock: true, messaging: { publish: ['out/#'], subscribe: [] } },
      limits: { deadlineMs: 100 },
      ...parts,
    },
    await service(body),
  );

describe('a service', () => {
  it('keeps running past any deadline, and what it logs and sends flows meanwhile', async () => {
    await run(everyTurn('(call $say) (call $send)'));
    expect(health()).toMatchObject({ state: 'running' });
    await pause(300);
    await until(() => lines().length > 10);
    expect(new Set(lines())).toEqual(new Set(['alive']));
    expect(board.told.published.filter(({ topic }) => topic === 'out/beat').length).toBeGreaterThan(10);
    expect(board.told.faults).toEqual([]);
    await board.runtime.probe(SERVICE);
  });

  it('is heard before it waits, also where it did not end its line', async () => {
    await run('(call $mutter) (call $rest (i64.const 3600000)) (i32.const 0)');
    await until(() => lines().includes('waiting'));
  });

  it('is no burden for its neighbours, however busy it is', async () => {
    await board.install();
    await run('(loop (br 0)) (i32.const 0)');
    expect(await board.ask('count')).toMatchObject({ count: 1 });
    expect(await board.ask('count')).toMatchObject({ count: 2 });
    await board.runtime.probe(SERVICE);
  });

  it('has its memory counted as it grows', async () => {
    await run(`(call $grow (i32.const 31)) ${everyTurn('')}`);
    await until(() => health()?.memoryBytes === 32 * 65_536);
  });

  it('may send so much a second, and has denied uses reported while it runs', async () => {
    await run(everyTurn('(call $sneak)'));
    await until(() => board.told.faults.length > 0);
    expect(board.told.faults[0]!.fault).toMatchObject({
      kind: 'capability-denied',
      subject: 'messaging.publish no/beat',
    });
    await run(
      everyTurn(
        '(if (i32.eqz (local.get $n)) (then (loop $flood (call $send) (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $flood (i32.lt_u (local.get $n) (i32.const 1000))))))',
      ),
      { version: '1.1.0' },
    );
    const sent = () => board.told.published.filter(({ topic }) => topic === 'out/beat').length;
    await until(() => sent() > 0);
    expect(sent()).toBeLessThanOrEqual(256);
  });

  it('takes no messages and no ticks', async () => {
    const grants = { clock: true, messaging: { publish: ['out/#'], subscribe: ['#'] } };
    await run(everyTurn(''), { grants });
    expect(await faultOf(board.runtime.deliver(SERVICE, 'x', new Uint8Array()))).toMatchObject({
      kind: 'incompatible',
    });
  });

  it('is stopped by ending its isolate, whatever it does', async () => {
    await run('(loop (br 0)) (i32.const 0)');
    await board.runtime.stop(SERVICE);
    expect(health()).toBeUndefined();
    await run(everyTurn('(call $say)'));
    await board.runtime.stop(SERVICE);
    const said = lines().length;
    await pause(100);
    expect(lines()).toHaveLength(said);
  });

  it.each([
    ['returns at once', '(i32.const 0)', 'trap', 'exit code 0'],
    ['answers an error', '(i32.const 1)', 'trap', 'exit code 1'],
    ['exits', '(call $exit (i32.const 1)) (unreachable)', 'trap', 'exit code 1'],
    ['traps', '(unreachable)', 'trap', 'unreachable'],
  ])('that %s does not pass its start', async (_, body, kind, says) => {
    const fault = await faultOf(run(body));
    expect(fault.kind).toBe(kind);
    expect(fault.message).toContain(says);
    expect(health()).toBeUndefined();
  });

  it('that ends is run again, then rests, and is one crash loop', async () => {
    await run('(call $say) (call $rest (i64.const 300)) (call $exit (i32.const 0)) (unreachable)');
    const before = health()!.faults;
    await until(() => board.told.faults.length >= 3);
    expect(lines().length).toBe(3);
    expect(board.told.faults.map(({ fault }) => [fault.kind, fault.subject])).toEqual([
      ['trap', 'exit 0'],
      ['trap', 'exit 0'],
      ['crash-loop', 'exit 0'],
    ]);
    expect(health()).toMatchObject({ state: 'failed', crashLoop: { failures: 3 } });
    expect(await faultOf(board.runtime.probe(SERVICE))).toMatchObject({ kind: 'trap' });
    await until(() => health()?.crashLoop?.failures === 4);
    // The fourth is not told again.
    expect(board.told.faults).toHaveLength(3);
    // The probe that was asked counts as well.
    expect(health()).toMatchObject({ faults: before + 5 });
  });
});

describe('a swap of services', () => {
  it('starts the new one beside the old, and ends the old one after', async () => {
    await run(everyTurn('(call $send)'));
    const figures = await run(everyTurn('(call $say)'), { version: '2.0.0' });
    expect(figures).toMatchObject({ lostCalls: 0, gapMs: expect.any(Number) });
    await until(() => lines().length > 0);
    board.forget();
    await until(() => lines().length > 3);
    expect(board.told.published).toEqual([]);
    expect(health()).toMatchObject({ version: '2.0.0', state: 'soaking' });
  });

  it('leaves the old one running when the new one does not stay', async () => {
    await run(everyTurn('(call $say)'));
    expect(await faultOf(run('(i32.const 0)', { version: '2.0.0' }))).toMatchObject({ kind: 'trap' });
    board.forget();
    await until(() => lines().length > 3);
    expect(health()).toMatchObject({ version: '1.0.0', state: 'running' });
  });

  it('goes back by running the old one again', async () => {
    await run(everyTurn('(call $say)'));
    await run(everyTurn('(call $send)'), { version: '2.0.0' });
    expect(await board.runtime.rollback(SERVICE)).toMatchObject({ cause: 'rollback', lostCalls: 0 });
    board.forget();
    await until(() => lines().length > 3);
    expect(board.told.published).toEqual([]);
    expect(health()).toMatchObject({ version: '1.0.0', state: 'running' });
  });
});
