/** `wafer rollout`: what is typed becomes one request, and the exit code tells how a rollout ended. */
import { CreateRollout, RolloutView, type RolloutState } from '@wafer/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type Person, signedIn } from './person.ts';
import { problem } from './fleet-server.ts';

const ID = '6e1f1d0a-6c3c-4d0e-9a53-0d0f3f1a7c11';
const AT = '2026-11-21T09:00:00.000Z';

let person: Person;
afterEach(() => person.leave());

const view = (state: RolloutState, reason: string | null = null): RolloutView =>
  RolloutView.parse({
    id: ID,
    number: 3,
    name: 'thermo 1.1.0',
    channel: 'stable',
    state,
    reason,
    targets: [{ app: 'thermo', version: '1.1.0', from: '1.0.0', widens: null }],
    movesChannel: true,
    waves: [
      {
        state: reason === null ? 'RUNNING' : 'TRIPPED',
        since: AT,
        reason,
        name: '5 of each architecture',
        devices: { of: 'architecture', each: 5 },
        gate: {},
        counts: {
          devices: 10,
          waiting: 4,
          started: 2,
          succeeded: 3,
          failed: 1,
          withdrawn: 0,
          causes: { trap: 1 },
        },
      },
    ],
    devices: 10,
    inFlight: 100,
    startAt: null,
    created: AT,
    createdBy: 'user:admin',
    updated: AT,
    revision: 4,
  });

/** A server with one rollout, which is in these states one after the other. */
async function withRollout(...states: RolloutView[]): Promise<Person> {
  person = await signedIn();
  let at = 0;
  person.server.intercept = (request, path) => {
    if (!path.startsWith('/rollouts')) return undefined;
    if (request.method === 'GET' && path.startsWith('/rollouts?'))
      return { status: 200, body: { items: [states[0]] } };
    const body = states[Math.min(at, states.length - 1)];
    at += 1;
    return { status: path === '/rollouts' ? 201 : 200, body };
  };
  return person;
}
const sent = (): unknown => JSON.parse(person.server.received.at(-1)?.toString() ?? 'null');

describe('wafer rollout create', () => {
  it('sends releases, waves and one gate for each, and nothing that was not said', async () => {
    await withRollout(view('DRAFT'));
    const typed =
      'rollout create stable thermo@1.1.0 other@2.0.0 --waves 5/arch,hash:100,group:lab,tag:site=a=b,20,10%,rest ' +
      '--success 95 --errors 2 --soak 10 --approval --on-trip rollback --in-flight 50';
    const run = await person.wafer(...typed.split(' '));
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(run.stdout).toContain('thermo 1.0.0 → 1.1.0');
    const spec = CreateRollout.parse(sent());
    expect(spec).toMatchObject({ channel: 'stable', inFlight: 50, name: 'thermo@1.1.0, other@2.0.0' });
    expect(spec.targets.map(({ app, version }) => `${app} ${version}`)).toEqual([
      'thermo 1.1.0',
      'other 2.0.0',
    ]);
    expect(spec.waves.map(({ devices }) => devices)).toEqual([
      { of: 'architecture', each: 5 },
      { of: 'hash', below: 100 },
      { of: 'group', group: 'lab' },
      { of: 'tag', key: 'site', value: 'a=b' },
      { of: 'count', count: 20 },
      { of: 'percent', percent: 10 },
      { of: 'rest' },
    ]);
    for (const { gate } of spec.waves)
      expect(gate).toMatchObject({
        successPercent: 95,
        errorCount: 2,
        soakMinutes: 10,
        approval: true,
        onTrip: 'rollback',
      });
  });

  it('takes a plan from a file, and options over it', async () => {
    await withRollout(view('DRAFT'));
    const plan =
      'inFlight: 7\nwaves:\n  - devices: { of: count, count: 3 }\n    gate: { errorCount: 1 }\n  - devices: { of: rest }\n';
    const file = await person.file('plan.yaml', plan);
    await person.wafer('rollout', 'create', 'stable', 'thermo@1.1.0', '--file', file);
    expect(CreateRollout.parse(sent())).toMatchObject({
      inFlight: 7,
      waves: [{ devices: { of: 'count', count: 3 }, gate: { errorCount: 1 } }, { devices: { of: 'rest' } }],
    });
    await person.wafer('rollout', 'create', 'stable', 'thermo@1.1.0', '--file', file, '--in-flight', '9');
    expect(CreateRollout.parse(sent())).toMatchObject({ inFlight: 9, waves: [{}, {}] });
  });

  it.each([
    ['a wave that is none', ['thermo@1.1.0', '--waves', '5percent'], /"5percent" is no wave/],
    ['waves that leave devices out', ['thermo@1.1.0', '--waves', '5'], /the last one takes the rest/],
    ['a release without a version', ['thermo'], /"thermo" is no release/],
    ['no release at all', [], /targets/],
    ['a share over a hundred', ['thermo@1.1.0', '--success', '101'], /successPercent/],
    ['a number that is none', ['thermo@1.1.0', '--in-flight', 'many'], /--in-flight takes a whole number/],
    ['what no gate does', ['thermo@1.1.0', '--on-trip', 'panic'], /onTrip/],
    ['a plan that is not there', ['thermo@1.1.0', '--file', 'nowhere'], /nowhere cannot be read/],
  ])('refuses %s before anything is sent', async (_, args, words) => {
    await withRollout(view('DRAFT'));
    const run = await person.wafer('rollout', 'create', 'stable', ...args);
    expect(run.exit).toBe(2);
    expect(run.stderr).toMatch(words);
    expect(person.server.requests).toEqual([]);
  });
});

describe('wafer rollout preview', () => {
  it('shows waves with their architectures, and the fingerprint', async () => {
    person = await signedIn();
    person.server.intercept = (_, path) =>
      path === '/rollouts/preview'
        ? {
            status: 200,
            body: {
              devices: 12,
              fingerprint: 'f00d',
              targets: [{ app: 'thermo', version: '1.1.0', from: null, widens: 'clock' }],
              waves: [{ name: 'the rest', devices: 12, architectures: { arm64: 5, x64: 7 }, first: [] }],
            },
          }
        : undefined;
    const run = await person.wafer('rollout', 'preview', 'stable', 'thermo@1.1.0');
    expect(run.stdout).toMatch(
      /thermo nothing → 1.1.0[^]*thermo gets clock[^]*f00d[^]*the rest +12 +5 arm64, 7 x64/,
    );
  });
});

describe('orders', () => {
  it('go to the rollout by its number, with a reason', async () => {
    await withRollout(view('PAUSED'));
    const run = await person.wafer('rollout', 'pause', '#3', '--reason', 'looks odd', '--json');
    expect(run.json()).toMatchObject({ state: 'PAUSED', number: 3 });
    expect(person.server.requests.at(-1)).toBe(`POST /rollouts/${ID}/pause`);
    expect(sent()).toEqual({ reason: 'looks odd' });
  });

  it('that the rollout does not take end with its code', async () => {
    person = await signedIn();
    person.server.intercept = (_, path) =>
      path.endsWith('/abort') ? problem('rollout.transition', 'it is COMPLETED') : undefined;
    expect(await person.wafer('rollout', 'abort', ID)).toMatchObject({
      exit: 5,
      stderr: 'error rollout.transition: it is COMPLETED\n',
    });
  });

  it('for a number that there is not say so', async () => {
    await withRollout(view('DRAFT'));
    expect(await person.wafer('rollout', 'start', '99')).toMatchObject({
      exit: 4,
      stderr: 'error rollout.not-found: There is no rollout 99.\n',
    });
  });
});

describe('waiting', () => {
  it('ends with 0 when the rollout has completed, and draws each change once', async () => {
    await withRollout(view('SCHEDULED'), view('RUNNING'), view('COMPLETED'));
    const run = await person.wafer('rollout', 'start', ID, '--wait');
    expect(run.exit).toBe(0);
    expect(run.stderr.match(/thermo 1\.1\.0: RUNNING/g)).toHaveLength(1);
    expect(run.stdout).toMatch(/state +COMPLETED/);
  });

  it('ends with 7 and the reason when a gate tripped', async () => {
    await withRollout(view('SCHEDULED'), view('PAUSED', 'Wave 1: 2 of 5 failed'));
    const run = await person.wafer('rollout', 'start', ID, '--wait', '--json');
    expect(run.exit).toBe(7);
    expect(run.json()).toMatchObject({
      code: 'rollout.stopped',
      detail: 'rollout 3 is PAUSED: Wave 1: 2 of 5 failed',
    });
  });

  it('without an exit code, by watch, shows where it stands', async () => {
    await withRollout(view('PAUSED', 'Wave 1: 2 of 5 failed'));
    const run = await person.wafer('rollout', 'watch', ID);
    expect(run.exit).toBe(0);
    expect(run.stdout).toMatch(/PAUSED: Wave 1: 2 of 5 failed/);
  });
});
