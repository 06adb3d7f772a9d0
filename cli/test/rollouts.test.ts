/** `wafer rollout`: what is typed becomes one request, and the exit code tells how a rollout ended. */
import { CreateRollout, type RolloutView } from '@wafer/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { type Person, signedIn } from './person.ts';
import { problem } from './fleet-server.ts';
import { ID, view } from './rollout-views.ts';

let person: Person;
afterEach(() => person.leave());

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

  it('sends everything else that can be typed', async () => {
    await withRollout(view('DRAFT'));
    const run = await person.wafer(
      ...'rollout create stable thermo@1.1.0 --errors 5% --fault link=5% --min-devices 20 --soak 10'.split(
        ' ',
      ),
      ...'--unhealthy 2 --compare memory=50,latency=100,faults=2 --timeout downloading=60'.split(' '),
      ...'--devices-named d-aaaaaaaaaaaaaaaa,d-bbbbbbbbbbbbbbbb --tag site=oslo --group lab'.split(' '),
      ...'--skip silent,refused --seed again --blackout 2026-12-24..2026-12-26'.split(' '),
      '--window',
      '0 2 * * *+4h@Europe/Berlin',
      '--window',
      'sat,sun 22:00-04:00',
      ...'--start-at +3h --deadline 2026-12-31T00:00Z'.split(' '),
    );
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    const { waves, ...spec } = CreateRollout.parse(sent());
    expect(waves).toMatchObject([
      {
        devices: { of: 'rest' },
        gate: {
          errorPercent: 5,
          faults: [
            { kind: 'signature', count: 1 },
            { kind: 'link', percent: 5 },
          ],
          minDevices: 20,
          soakMinutes: 10,
          unhealthyPercent: 2,
          compare: { memoryPercent: 50, latencyPercent: 100, faultPoints: 2 },
        },
      },
    ]);
    expect(spec).toMatchObject({
      timeouts: { downloading: 60, queued: 15 },
      among: {
        devices: ['d-aaaaaaaaaaaaaaaa', 'd-bbbbbbbbbbbbbbbb'],
        tags: { site: 'oslo' },
        group: 'lab',
      },
      skip: ['silent', 'refused'],
      seed: 'again',
      windows: [
        { cron: '0 2 * * *', minutes: 240, timeZone: 'Europe/Berlin' },
        { cron: '0 22 * * SAT,SUN', minutes: 360 },
      ],
      blackouts: [{ from: '2026-12-24', to: '2026-12-26' }],
      startAt: '2026-11-21T12:00:00.000Z',
      deadline: '2026-12-31T00:00:00.000Z',
    });
  });

  it('gives the gate that was typed to each wave of a file', async () => {
    await withRollout(view('DRAFT'));
    const file = await person.file(
      'plan.yaml',
      'waves:\n  - devices: { of: count, count: 3 }\n    gate: { errorCount: 1 }\n  - devices: { of: rest }\n',
    );
    await person.wafer(...`rollout create stable thermo@1.1.0 --file ${file} --soak 5`.split(' '));
    expect(CreateRollout.parse(sent()).waves).toMatchObject([
      { devices: { of: 'count', count: 3 }, gate: { errorCount: 1, soakMinutes: 5 } },
      { devices: { of: 'rest' }, gate: { soakMinutes: 5 } },
    ]);
  });

  it('with --start begins it, and with --wait stays to its end', async () => {
    await withRollout(view('DRAFT'), view('SCHEDULED'), view('RUNNING'), view('COMPLETED'));
    const run = await person.wafer(...'rollout create stable thermo@1.1.0 --start --wait --json'.split(' '));
    expect(run.json()).toMatchObject({ state: 'COMPLETED' });
    expect(person.server.requests.slice(0, 3)).toEqual([
      'POST /rollouts',
      `POST /rollouts/${ID}/start`,
      `GET /rollouts/${ID}`,
    ]);
  });

  it('with --start says that the rollout is stored when it may not begin', async () => {
    await withRollout(view('DRAFT'));
    const { intercept } = person.server;
    person.server.intercept = (request, path) =>
      path.endsWith('/start')
        ? problem('rollout.conflict', 'Another one moves it.')
        : intercept?.(request, path);
    expect(await person.wafer(...'rollout create stable thermo@1.1.0 --start'.split(' '))).toMatchObject({
      exit: 5,
      stderr: 'error rollout.conflict: rollout 3 is stored and was not started: Another one moves it.\n',
    });
  });

  it.each([
    ['a window that is none', ['thermo@1.1.0', '--window', 'at night'], /"at night" is no window/],
    ['a day that is none', ['thermo@1.1.0', '--blackout', '2026-12-32'], /blackouts/],
    ['a kind of fault that there is not', ['thermo@1.1.0', '--fault', 'rain=3'], /faults/],
    ['a stage that there is not', ['thermo@1.1.0', '--timeout', 'sleeping=3'], /sleeping/],
    ['a verdict that cannot be skipped', ['thermo@1.1.0', '--skip', 'update'], /skip/],
    ['a comparison without a soak', ['thermo@1.1.0', '--compare', 'memory=50'], /needs soakMinutes/],
    ['waiting without starting', ['thermo@1.1.0', '--wait'], /--wait goes with --start/],
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
              targets: [{ app: 'thermo', version: '1.1.0', from: null, gains: ['clock'], loses: ['random'] }],
              waves: [
                {
                  name: 'the rest',
                  devices: 12,
                  architectures: { arm64: 5, x64: 7 },
                  verdicts: { update: 11, silent: 1 },
                  bytes: 12_000_000,
                  minutes: 130,
                  first: [],
                },
              ],
              verdicts: { update: 11, silent: 1, pinned: 2 },
              bytes: 12_000_000,
              minutes: 130,
            },
          }
        : undefined;
    const run = await person.wafer('rollout', 'preview', 'stable', 'thermo@1.1.0');
    expect(run.stdout).toMatch(
      /thermo nothing → 1.1.0[^]*11 update, 1 silent, 2 pinned[^]*f00d[^]*\+ thermo: clock\n +- thermo: random[^]*█{24} +the rest +12 +5 arm64, 7 x64/,
    );
  });
});

describe('wafer rollout preview --devices', () => {
  const line = (device: string, verdict: string, wave: number | null) => ({
    device,
    name: 'board',
    architecture: 'arm64',
    wave,
    position: wave === null ? null : 1,
    verdict,
    detail: verdict === 'update' ? null : 'clock',
    bytes: verdict === 'update' ? 34_000 : 0,
  });

  it('lists every device of every page with its verdict', async () => {
    person = await signedIn();
    person.server.intercept = (_, path) =>
      path.startsWith('/rollouts/preview/devices?')
        ? {
            status: 200,
            body: path.includes('cursor=1')
              ? { items: [line('d-bbbbbbbbbbbbbbbb', 'refused', null)] }
              : { items: [line('d-aaaaaaaaaaaaaaaa', 'update', 0)], next: '1' },
          }
        : undefined;
    const run = await person.wafer('rollout', 'preview', 'stable', 'thermo@1.1.0', '--devices');
    expect(run.stdout).toMatch(
      /d-aaaaaaaaaaaaaaaa +board +arm64 +1 +update +34 kB\nd-bbbbbbbbbbbbbbbb +board +arm64 +– +refused +clock +–/,
    );
  });

  it('asks for those with one verdict, and knows which there are', async () => {
    person = await signedIn();
    person.server.intercept = () => ({ status: 200, body: { items: [] } });
    await person.wafer('rollout', 'preview', 'stable', 'thermo@1.1.0', '--verdict', 'silent');
    expect(person.server.requests).toEqual(['POST /rollouts/preview/devices?limit=200&verdict=silent']);
    expect(
      await person.wafer('rollout', 'preview', 'stable', 'thermo@1.1.0', '--verdict', 'lost'),
    ).toMatchObject({ exit: 2, stderr: expect.stringContaining('"lost" is no verdict') as string });
  });
});

describe('wafer rollout devices', () => {
  it('asks for a state, a cause and a wave as people count', async () => {
    person = await signedIn();
    const items = [
      {
        device: 'd-aaaaaaaaaaaaaaaa',
        wave: 1,
        position: 7,
        state: 'FAILED',
        cause: 'trap',
        updated: '2026-11-21T09:00:00.000Z',
      },
    ];
    person.server.intercept = (_, path) =>
      path.includes('/devices') ? { status: 200, body: { items } } : undefined;
    const run = await person.wafer(
      ...`rollout devices ${ID} --state failed --cause trap --wave 2`.split(' '),
    );
    expect(person.server.requests).toEqual([
      `GET /rollouts/${ID}/devices?limit=200&state=FAILED&cause=trap&wave=1`,
    ]);
    expect(run.stdout).toMatch(/d-aaaaaaaaaaaaaaaa +2 +7 +FAILED +trap/);
    expect(await person.wafer('rollout', 'devices', ID, '--state', 'lost')).toMatchObject({ exit: 2 });
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
    await withRollout(view('SCHEDULED'), view('PAUSED', { reason: 'Wave 1: 2 of 5 failed' }));
    const run = await person.wafer('rollout', 'start', ID, '--wait', '--json');
    expect(run.exit).toBe(7);
    expect(run.json()).toMatchObject({
      code: 'rollout.stopped',
      detail: 'rollout 3 is PAUSED: Wave 1: 2 of 5 failed; devices still under way: 2',
    });
  });

  it('by watch ends the same way, and shows where it stands', async () => {
    await withRollout(view('PAUSED', { reason: 'Wave 1: 2 of 5 failed' }));
    const run = await person.wafer('rollout', 'watch', ID);
    expect(run.exit).toBe(7);
    expect(run.stderr).toMatch(/rollout 3 is PAUSED: Wave 1: 2 of 5 failed/);
  });
});
