import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AppName,
  type DesiredApp,
  type DesiredEnvelope,
  type FaultKind,
  isSignedBy,
  type Policy,
  signDocument,
  SignedDesired,
} from '@wafer/protocol';
import { expect, test } from 'vitest';
import { openClock } from '../../src/link/clock.ts';
import { Journal } from '../../src/state/journal.ts';
import { judgeDesired, type Verdict } from '../../src/trust/desired.ts';
import { Floors } from '../../src/trust/floors.ts';
import { factoryRootPath } from '../../src/trust/generations.ts';
import { Trust } from '../../src/trust/updater.ts';
import { temporaryFolder } from '../folder.ts';
import { DEVICE, orderFor, OTHER_DEVICE } from '../state/orders.ts';
import { newSigner, Repository, sha256 } from './repository.ts';

interface Board {
  readonly judge: (document: DesiredEnvelope, last?: DesiredEnvelope, policy?: Policy) => Promise<Verdict[]>;
  readonly folder: string;
  readonly floors: Floors;
}

async function newBoard(repository: Repository): Promise<Board> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(folder), repository.root);
  const clock = await openClock(folder);
  const trust = await Trust.open({ folder, requests: repository.requests, clock });
  const floors = await Floors.open(folder);
  return {
    folder,
    floors,
    judge: (document, last, policy = {}) =>
      trust.refresh((view) =>
        judgeDesired(document, { view, device: DEVICE, policy, floors, now: clock.now(), last }),
      ),
  };
}

const fault = (kind: FaultKind, subject?: string) =>
  expect.objectContaining({
    fault: expect.objectContaining(subject === undefined ? { kind } : { kind, subject }),
  });

/** One app, signed in order but for what `change` does to the order. */
async function judgeOne(
  release: Parameters<Repository['publish']>[2],
  change: Partial<Record<keyof DesiredApp, unknown>>,
  policy?: Policy,
): Promise<Verdict> {
  const repository = new Repository();
  const published = repository.publish('thermo', '1.0.0', release);
  const { judge } = await newBoard(repository);
  const document = repository.desired(DEVICE, 1, [orderFor(published, change)]);
  const [verdict] = await judge(document, undefined, policy);
  return verdict!;
}

test('an order for what was signed, within all bounds, is admitted', async () => {
  const verdict = await judgeOne({ grants: { clock: true } }, { grants: { clock: true } });
  expect(verdict.kind).toBe('admitted');
});

test('an agent signed as another app is refused, and so is an app signed as the agent', async () => {
  const verdicts = await Promise.all(
    [['thermo', 'agent'] as const, ['wafer-agent', 'reactor'] as const].map(async ([name, world]) => {
      const repository = new Repository();
      const published = repository.publish(name, '1.0.0', { world });
      const { judge } = await newBoard(repository);
      return (await judge(repository.desired(DEVICE, 1, [orderFor(published)])))[0];
    }),
  );
  for (const verdict of verdicts) expect(verdict).toEqual(fault('incompatible'));
});

test('a new agent that no publisher signed is refused, though the director ordered it', async () => {
  const repository = new Repository();
  const published = repository.publish('wafer-agent', '1.0.0', { world: 'agent' });
  const { judge } = await newBoard(repository);
  const genuine = orderFor(published);
  const other = sha256('other bytes');
  const path = genuine.target.path.replace(genuine.target.sha256, other);
  const order = { ...genuine, target: { ...genuine.target, path, sha256: other } };
  const [verdict] = await judge(repository.desired(DEVICE, 1, [order]));
  expect(verdict).toEqual(fault('signature', path));
});

test('an owner who does not list the agent among the apps keeps the one that there is', async () => {
  const repository = new Repository();
  const published = repository.publish('wafer-agent', '1.0.0', { world: 'agent' });
  const { judge } = await newBoard(repository);
  const policy = { apps: [AppName.parse('thermo')] };
  const [verdict] = await judge(repository.desired(DEVICE, 1, [orderFor(published)]), undefined, policy);
  expect(verdict).toEqual(fault('policy', 'policy.apps'));
});

test("wrong target: another device's document is refused as a whole", async () => {
  const repository = new Repository();
  const { judge } = await newBoard(repository);
  await expect(judge(repository.desired(OTHER_DEVICE, 1, []))).rejects.toEqual(fault('signature', 'device'));
});

test('replay: an older desired state is refused, and so is another content under the same version', async () => {
  const repository = new Repository();
  const published = repository.publish('thermo', '1.0.0');
  const { judge } = await newBoard(repository);
  const last = repository.desired(DEVICE, 5, [orderFor(published)]);
  await expect(judge(repository.desired(DEVICE, 4, []), last)).rejects.toEqual(fault('signature', 'version'));
  await expect(judge(repository.desired(DEVICE, 5, []), last)).rejects.toEqual(fault('signature', 'version'));
});

test('fast-forward: a version that a thief of the director key raised is left behind with the key', async () => {
  const repository = new Repository();
  const { judge } = await newBoard(repository);
  const raised = repository.desired(DEVICE, Number.MAX_SAFE_INTEGER, []);
  expect(await judge(raised)).toEqual([]);
  await expect(judge(repository.desired(DEVICE, 2, []), raised)).rejects.toEqual(
    fault('signature', 'version'),
  );
  const stolen = repository.keys.director;
  repository.keys.director = newSigner();
  repository.sign();
  const recovered = repository.desired(DEVICE, 2, []);
  expect(await judge(recovered, raised)).toEqual([]);
  // From there on versions rise again, and the thief's are no longer orders.
  await expect(judge(repository.desired(DEVICE, 1, []), recovered)).rejects.toEqual(
    fault('signature', 'version'),
  );
  const again = repository.desired(DEVICE, Number.MAX_SAFE_INTEGER, [], { by: stolen });
  await expect(judge(again, recovered)).rejects.toEqual(fault('signature', 'director'));
});

test('the same version with the same content is taken again', async () => {
  const repository = new Repository();
  const published = repository.publish('thermo', '1.0.0');
  const { judge } = await newBoard(repository);
  const apps = [orderFor(published)];
  const last = repository.desired(DEVICE, 5, apps);
  const renewed = repository.desired(DEVICE, 5, apps, { expiresInMs: 999_000_000 });
  expect(await judge(renewed, last)).toHaveLength(1);
});

test('freeze: an expired desired state is refused', async () => {
  const repository = new Repository();
  const { judge } = await newBoard(repository);
  const stale = repository.desired(DEVICE, 1, [], { expiresInMs: -1 });
  await expect(judge(stale)).rejects.toEqual(fault('expired'));
});

test('arbitrary order: a document signed by anyone but the director is refused, online keys included', async () => {
  const repository = new Repository();
  const { judge } = await newBoard(repository);
  for (const by of [newSigner(), repository.keys.timestamp, repository.keys.snapshot]) {
    const forged = repository.desired(DEVICE, 1, [], { by });
    await expect(judge(forged)).rejects.toEqual(fault('signature', 'director'));
  }
});

test('arbitrary order: a document that was altered after signing is refused', async () => {
  const repository = new Repository();
  const { judge } = await newBoard(repository);
  const { signed, signatures } = repository.desired(DEVICE, 1, []);
  await expect(judge({ signed: { ...signed, version: 2 }, signatures })).rejects.toEqual(
    fault('signature', 'director'),
  );
});

test('director keys rotate through the offline chain: the old key loses its voice', async () => {
  const repository = new Repository();
  const { judge } = await newBoard(repository);
  const old = repository.keys.director;
  repository.keys.director = newSigner();
  repository.sign();
  await expect(judge(repository.desired(DEVICE, 1, [], { by: old }))).rejects.toEqual(fault('signature'));
  expect(await judge(repository.desired(DEVICE, 1, []))).toEqual([]);
});

test('arbitrary install: a stolen director cannot order a component that no publisher signed', async () => {
  const digest = sha256('malware');
  const verdict = await judgeOne(
    {},
    { target: { path: `thermo/1.0.0/${digest}.wasm`, sha256: digest, length: 7 } },
  );
  expect(verdict).toEqual(fault('signature'));
});

test('arbitrary install: a stolen director cannot put another hash or length behind a signed path', async () => {
  const repository = new Repository();
  const published = repository.publish('thermo', '1.0.0');
  const { judge } = await newBoard(repository);
  const orders = [
    { ...published.target, sha256: sha256('malware') },
    { ...published.target, length: published.target.length + 1 },
  ];
  for (const [index, target] of orders.entries()) {
    const [verdict] = await judge(repository.desired(DEVICE, index + 1, [orderFor(published, { target })]));
    expect(verdict).toEqual(fault('digest'));
  }
});

test('wrong target: a stolen director cannot pass one release off as another version or counter', async () => {
  expect(await judgeOne({}, { version: '2.0.0' })).toEqual(fault('signature'));
  expect(await judgeOne({}, { counter: 99 })).toEqual(fault('signature'));
});

test('wrong target: a role cannot speak for another app', async () => {
  const verdict = await judgeOne({ app: AppName.parse('pump') }, { app: 'thermo' });
  expect(verdict).toEqual(fault('signature'));
});

test('grants beyond what the release was signed for are denied by name', async () => {
  const messaging = { publish: ['telemetry/#'], subscribe: [] };
  const verdict = await judgeOne(
    { grants: { messaging: { publish: ['telemetry/x'], subscribe: [] } } },
    { grants: { messaging } },
  );
  expect(verdict).toEqual(fault('capability-denied', 'messaging.publish telemetry/#'));
});

test('an import without its grant is denied before download, by name', async () => {
  const release = { imports: ['wasi:random/random@0.2.12'], grants: { random: true } };
  expect(await judgeOne(release, {})).toEqual(fault('capability-denied', 'wasi:random/random@0.2.12'));
  expect((await judgeOne(release, { grants: { random: true } })).kind).toBe('admitted');
});

test('an import that nothing gives is incompatible', async () => {
  const verdict = await judgeOne({ imports: ['wasi:sockets/tcp@0.2.0'] }, {});
  expect(verdict).toEqual(fault('incompatible', 'wasi:sockets/tcp@0.2.0'));
});

test("the owner's policy caps grants, limits, apps and channels, and the rule is named", async () => {
  const granted = { grants: { clock: true } };
  expect(await judgeOne(granted, granted, { grants: {} })).toEqual(fault('policy', 'policy.grants.clock'));
  const limits = { memoryMiB: 64, deadlineMs: 900 };
  for (const [name, cap] of [
    ['memoryMiB', 32],
    ['deadlineMs', 500],
  ] as const) {
    const verdict = await judgeOne({}, { limits }, { limits: { [name]: cap } });
    expect(verdict).toEqual(fault('policy', `policy.limits.${name}`));
  }
  expect(await judgeOne({}, {}, { apps: [AppName.parse('pump')] })).toEqual(fault('policy', 'policy.apps'));
  expect(await judgeOne({}, {}, { channels: [] })).toEqual(fault('policy', 'policy.channels'));
  const messaging = { publish: ['telemetry/x'], subscribe: [] };
  expect(
    await judgeOne({ grants: { messaging } }, { grants: { messaging } }, { grants: { clock: true } }),
  ).toEqual(fault('policy', 'policy.grants.messaging.publish'));
  expect((await judgeOne(granted, granted, { grants: { clock: true } })).kind).toBe('admitted');
});

test('rollback: a release below the floor is refused, and stays so when the floor is withdrawn', async () => {
  const repository = new Repository();
  const first = repository.publish('thermo', '1.0.0');
  const second = repository.publish('thermo', '1.1.0');
  const { judge, floors } = await newBoard(repository);
  repository.setFloor('thermo', 2);
  const [below] = await judge(repository.desired(DEVICE, 1, [orderFor(first)]));
  expect(below).toEqual(fault('policy', 'floor'));
  repository.setFloor('thermo', 0);
  const [still] = await judge(repository.desired(DEVICE, 2, [orderFor(first)]));
  expect(still).toEqual(fault('policy', 'floor'));
  const [above] = await judge(repository.desired(DEVICE, 3, [orderFor(second)]));
  expect(above?.kind).toBe('admitted');
  expect(floors.of(AppName.parse('thermo'))).toBe(2);
});

test('what is verified is what was sent, so a document from before a default existed still holds', async () => {
  const repository = new Repository();
  const published = repository.publish('thermo', '1.0.0');
  const { judge } = await newBoard(repository);
  // The director left out what this agent fills in, as one from before those fields existed would.
  const { config: _, secrets: __, isolation: ___, ...order } = orderFor(published);
  const document = repository.desired(DEVICE, 1, [order as DesiredApp]);
  const read = SignedDesired.parse(document);
  expect(read.signed.apps[0]).toHaveProperty('isolation', 'shared');
  const keys = { [repository.keys.director.id]: repository.keys.director.hex };
  expect(isSignedBy(read.signed, read.signatures, keys)).toBe(false);
  const [verdict] = await judge(document);
  expect(verdict).toMatchObject({ kind: 'admitted', order: { isolation: 'shared', config: {} } });
});

test('such a document is journalled as it was signed, and verifies again after a boot', async () => {
  const repository = new Repository();
  const published = repository.publish('thermo', '1.0.0');
  const { judge, folder } = await newBoard(repository);
  const { isolation: _, ...order } = orderFor(published);
  const journal = () => Journal.open({ folder, deliver: async () => {}, onDiskError: () => {} });
  await (await journal()).accept(repository.desired(DEVICE, 1, [order as DesiredApp]));
  const { desired } = (await journal()).state;
  expect(await judge(desired!, desired!)).toHaveLength(1);
});

test('a document that is signed, but in a form of the future, is incompatible', async () => {
  const repository = new Repository();
  const { judge } = await newBoard(repository);
  const { signed } = repository.desired(DEVICE, 1, []);
  const later = signDocument({ ...signed, unheardOf: true }, repository.keys.director.key);
  await expect(judge(later)).rejects.toEqual(fault('incompatible', 'desired'));
});

test('one bad app does not keep the others out', async () => {
  const repository = new Repository();
  const good = repository.publish('thermo', '1.0.0');
  const bad = repository.publish('pump', '1.0.0');
  const { judge } = await newBoard(repository);
  const verdicts = await judge(
    repository.desired(DEVICE, 1, [orderFor(bad, { grants: { clock: true } }), orderFor(good)]),
  );
  expect(verdicts.map(({ kind }) => kind)).toEqual(['rejected', 'admitted']);
});

test('metadata of one app that was altered rejects that app alone', async () => {
  const repository = new Repository();
  const good = repository.publish('thermo', '1.0.0');
  repository.publish('pump', '1.0.0');
  const { judge } = await newBoard(repository);
  const pump = repository.publish('pump', '1.1.0');
  repository.alterMetadata = (name, bytes) => (name.endsWith('.pump.json') ? Buffer.from('{}') : bytes);
  const verdicts = await judge(repository.desired(DEVICE, 1, [orderFor(pump), orderFor(good)]));
  expect(verdicts[0]).toEqual(fault('signature'));
  expect(verdicts[1]?.kind).toBe('admitted');
});

test('a schedule that this board cannot keep is refused with the reason, and a good one is admitted', async () => {
  const triggers = { cron: '0 3 * * *', timeZone: 'Mars/Base' };
  expect(await judgeOne({}, { triggers })).toEqual(fault('incompatible', 'triggers'));
  expect(await judgeOne({}, { triggers: { cron: 'often' } })).toEqual(fault('incompatible', 'triggers'));
  expect(await judgeOne({}, { triggers: { ...triggers, timeZone: 'Asia/Tokyo' } })).toMatchObject({
    kind: 'admitted',
  });
});
