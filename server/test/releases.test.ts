import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fleet, type Fleet } from './releases-fleet.ts';
import {
  component,
  fromWat,
  newKey,
  reactor,
  sha256,
  IMPORTS,
  type Publisher,
} from './releases-publisher.ts';

let house: Fleet;
let publisher: Publisher;
beforeAll(async () => {
  house = await fleet({ config: { maxComponentBytes: 400_000 } });
  ({ publisher } = house);
  await house.publish('thermo', '1.0.0');
});
afterAll(() => house.close());

/** Everything that publishing may write, counted. */
const stored = async () =>
  (
    await house.rows(sql`select
      (select count(*) from releases)::int as releases,
      (select count(*) from tuf_metadata)::int as metadata,
      (select count(*) from audit_events where action = 'release.published')::int as audited`)
  )[0];

/** The problem that publishing this ends in; nothing of it may be left. */
async function refusal(body: unknown): Promise<{ code: string; detail: string }> {
  const before = await stored();
  const answer = await house.call('POST', '/releases', body);
  expect(await stored()).toEqual(before);
  return answer.body;
}

const as = (code: string, detail = /./) => ({ code, detail: expect.stringMatching(detail) });

test('a release that is signed as it must be is stored with what it imports, exports and who signed it', async () => {
  const made = await reactor('thermo 1.1.0', 100_000);
  const { status, body } = await house.publish('thermo', '1.1.0', made);
  expect(status).toBe(201);
  expect(body).toMatchObject({
    app: 'thermo',
    counter: 2,
    digest: made.digest,
    length: made.bytes.length,
    world: 'reactor',
    imports: IMPORTS,
    exports: ['wafer:app/lifecycle@0.1.0'],
    grants: { clock: true },
    channels: [],
  });
  expect(body.signers).toHaveLength(1);
  expect((await house.call('GET', '/releases/thermo/1.1.0', undefined, { role: 'viewer' })).body).toEqual(
    body,
  );
  expect(house.live).toContainEqual({ type: 'release', app: 'thermo' });
  const [event] = await house.rows(
    sql`select actor, after from audit_events where subject = 'release:thermo/1.1.0'`,
  );
  expect(event).toMatchObject({ actor: 'token:admin', after: { digest: made.digest, counter: 2 } });
});

test('publishing the same bytes under the same version again is no error and changes nothing', async () => {
  const made = await reactor('thermo 1.0.0');
  const before = await stored();
  const { request } = publisher.release('thermo', '1.0.0', made);
  expect(await house.call('POST', '/releases', request)).toMatchObject({
    status: 200,
    body: { version: '1.0.0' },
  });
  expect(await stored()).toEqual(before);
});

test('a version that exists is refused with another digest', async () => {
  const other = await reactor('not thermo 1.0.0');
  await house.upload(other);
  expect(await refusal(publisher.release('thermo', '1.0.0', other).request)).toMatchObject(
    as('release.exists'),
  );
});

test('releases are listed newest first, in pages', async () => {
  house.clock.advance(1000);
  await house.publish('paged', '0.1.0');
  house.clock.advance(1000);
  await house.publish('paged', '0.2.0');
  const first = await house.call('GET', '/releases?limit=1');
  expect(first.body.items.map((each: { version: string }) => each.version)).toEqual(['0.2.0']);
  const second = await house.call('GET', `/releases?limit=1&cursor=${first.body.next}`);
  expect(second.body.items.map((each: { version: string }) => each.version)).toEqual(['0.1.0']);
  expect((await house.call('GET', '/releases?limit=200')).body).not.toHaveProperty('next');
  expect((await house.call('GET', '/releases?cursor=1~2')).body).toMatchObject({ code: 'request.invalid' });
  expect((await house.call('GET', '/releases/paged/9.9.9')).body).toMatchObject({
    code: 'release.not-found',
  });
});

test('a role that nobody signed is refused', async () => {
  const made = await reactor('unsigned');
  await house.upload(made);
  const { request } = publisher.release('thermo', '2.0.0', made);
  expect(await refusal({ ...request, role: { ...request.role, signatures: [] } })).toMatchObject(
    as('trust.signature-invalid'),
  );
});

test('a role signed by a key that is not delegated is refused', async () => {
  const made = await reactor('stranger');
  await house.upload(made);
  const [path, target] = publisher.target('thermo', '2.0.0', made);
  const held = publisher.roles.get('thermo');
  const role = publisher.role('thermo', 3, { ...held?.targets, [path]: target }, newKey());
  expect(await refusal({ ...publisher.release('thermo', '2.0.0', made).request, role })).toMatchObject(
    as('trust.signature-invalid'),
  );
});

test('a role signed by the key of another app is refused', async () => {
  await house.publish('other', '1.0.0');
  const made = await reactor('neighbour');
  await house.upload(made);
  const [path, target] = publisher.target('thermo', '2.0.0', made);
  const held = publisher.roles.get('thermo');
  const role = publisher.role(
    'thermo',
    3,
    { ...held?.targets, [path]: target },
    ...publisher.keysOf('other'),
  );
  expect(await refusal({ ...publisher.release('thermo', '2.0.0', made).request, role })).toMatchObject(
    as('trust.signature-invalid'),
  );
});

test('a role that was changed after it was signed is refused', async () => {
  const made = await reactor('changed');
  await house.upload(made);
  const { request } = publisher.release('thermo', '2.0.0', made);
  const text = JSON.stringify(request.role).replace('"memoryMiB":16', '"memoryMiB":17');
  expect(await refusal({ ...request, role: JSON.parse(text) })).toMatchObject(as('trust.signature-invalid'));
});

test('new targets that a stranger signed do not bring in a new app', async () => {
  const made = await reactor('intruder 1.0.0');
  await house.upload(made);
  publisher.addApp('intruder');
  const { request } = publisher.release('intruder', '1.0.0', made);
  const targets = publisher.targets();
  publisher.targetsVersion -= 1;
  expect(await refusal({ ...request, targets: { ...targets, signatures: [] } })).toMatchObject(
    as('trust.signature-invalid'),
  );
  expect(await refusal(request)).toMatchObject(
    as('release.metadata-invalid', /delegates nothing to intruder/),
  );
  publisher.appKeys.delete('intruder');
});

test('new targets that drop the delegation of another app are refused', async () => {
  const made = await reactor('usurper 1.0.0');
  await house.upload(made);
  publisher.addApp('usurper');
  const thermo = publisher.appKeys.get('thermo');
  publisher.appKeys.delete('thermo');
  const { request } = publisher.release('usurper', '1.0.0', made);
  expect(await refusal({ ...request, targets: publisher.targets() })).toMatchObject(
    as('trust.signature-invalid'),
  );
  publisher.targetsVersion -= 1;
  publisher.appKeys.delete('usurper');
  publisher.appKeys.set('thermo', thermo as never);
});

test('a release of one app cannot be slipped into the role of another', async () => {
  const made = await reactor('smuggled');
  await house.upload(made);
  const [path, target] = publisher.target('other', '6.6.6', made);
  const { request } = publisher.release('thermo', '6.6.6', made);
  const role = publisher.role('thermo', 3, { ...publisher.roles.get('thermo')?.targets, [path]: target });
  expect(await refusal({ ...request, role })).toMatchObject(
    as('release.metadata-invalid', /must be thermo\/6.6.6/),
  );
});

test('a role whose version was taken meanwhile is a version conflict', async () => {
  const made = await reactor('late');
  await house.upload(made);
  const held = publisher.roles.get('thermo');
  const [path, target] = publisher.target('thermo', '2.0.0', made);
  const role = publisher.role('thermo', held?.version ?? 0, { ...held?.targets, [path]: target });
  expect(await refusal({ ...publisher.release('thermo', '2.0.0', made).request, role })).toMatchObject(
    as('trust.version-conflict'),
  );
});

test('releases of before may neither be dropped nor changed', async () => {
  const made = await reactor('forgetful');
  await house.upload(made);
  const held = publisher.roles.get('thermo')?.targets ?? {};
  const [path, target] = publisher.target('thermo', '2.0.0', made);
  const { request } = publisher.release('thermo', '2.0.0', made);
  expect(await refusal({ ...request, role: publisher.role('thermo', 3, { [path]: target }) })).toMatchObject(
    as('release.metadata-invalid', /missing or was changed/),
  );
  const changed = JSON.parse(JSON.stringify(held).replace('"memoryMiB":16', '"memoryMiB":999'));
  expect(
    await refusal({ ...request, role: publisher.role('thermo', 3, { ...changed, [path]: target }) }),
  ).toMatchObject(as('release.metadata-invalid', /missing or was changed/));
});

test('what the metadata says of the bytes must be so', async () => {
  const made = await reactor('liar', 70_000);
  await house.upload(made);
  const lie = (options: Parameters<Publisher['release']>[3]) =>
    publisher.release('thermo', '2.0.0', made, options).request;
  expect(await refusal(lie({ chunks: [made.digest] }))).toMatchObject(
    as('release.metadata-invalid', /chunk hashes/),
  );
  expect(await refusal(lie({ counter: 9 }))).toMatchObject(as('release.metadata-invalid', /counter/));
  expect(await refusal(lie({ imports: [] }))).toMatchObject(as('release.metadata-invalid', /imports/));
  expect(
    await refusal(lie({ exports: ['wafer:app/lifecycle@0.1.0', 'wafer:app/health@0.1.0'] })),
  ).toMatchObject(as('release.metadata-invalid', /exports/));
  expect(await refusal(lie({ world: 'command' }))).toMatchObject(
    as('release.metadata-invalid', /reactor, not a command/),
  );
});

test('a component whose imports nothing grants is refused, and the import is named', async () => {
  const needy = await fromWat(`(component
    (import "wasi:sockets/tcp@0.2.0" (instance))
    (core module $m (func (export "start"))) (core instance $i (instantiate $m))
    (func $start (canon lift (core func $i "start")))
    (instance $life (export "start" (func $start))) (export "wafer:app/lifecycle@0.1.0" (instance $life)))`);
  await house.upload(needy);
  const { request } = publisher.release('thermo', '2.0.0', needy, { imports: ['wasi:sockets/tcp@0.2.0'] });
  expect(await refusal(request)).toMatchObject(as('component.import-refused', /wasi:sockets\/tcp@0\.2\.0/));
  const made = await reactor('ungranted');
  await house.upload(made);
  expect(await refusal(publisher.release('thermo', '2.0.0', made, { grants: {} }).request)).toMatchObject(
    as('component.import-refused', /"clock"/),
  );
});

test('a component that was not uploaded is named as missing', async () => {
  const made = await reactor('never sent');
  expect(await refusal(publisher.release('thermo', '2.0.0', made).request)).toMatchObject(
    as('component.missing'),
  );
});

test('garbage behind the magic number, core modules and unknown worlds are unsupported', async () => {
  const garbage = component(
    Buffer.concat([Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]), Buffer.alloc(5000, 0xff)]),
  );
  const core = component(Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  const mute = await fromWat('(component)');
  for (const made of [garbage, core, mute]) {
    await house.upload(made);
    expect(await refusal(publisher.release('thermo', '2.0.0', made).request)).toMatchObject(
      as('component.unsupported'),
    );
  }
});

test('malformed requests are refused by the schema', async () => {
  expect(await refusal({ app: '../etc', version: 'one', digest: 'x', role: 1 })).toMatchObject(
    as('request.invalid'),
  );
  expect(
    await refusal({
      app: 'root',
      version: '1.0.0',
      digest: 'a'.repeat(64),
      role: { signed: {}, signatures: [] },
    }),
  ).toMatchObject(as('request.invalid'));
  const made = await reactor('thermo 1.1.0', 100_000);
  expect(
    await refusal({
      app: 'thermo',
      version: '3.0.0',
      digest: made.digest,
      role: { signed: {}, signatures: [] },
    }),
  ).toMatchObject(as('release.metadata-invalid'));
});

test('releases below a raised floor may go, and the floor never sinks', async () => {
  await house.publish('floored', '1.0.0');
  const held = publisher.roles.get('floored');
  const floor = (level: number) => ({
    length: 1,
    hashes: { sha256: 'a'.repeat(64) },
    custom: { wafer: 1, floor: level },
  });
  const made = await reactor('floored 2.0.0');
  await house.upload(made);
  const [path, target] = publisher.target('floored', '2.0.0', made, { counter: 2 });
  const second = publisher.role('floored', 2, { [path]: target, 'floored/floor': floor(2) });
  const request = { app: 'floored', version: '2.0.0', digest: made.digest };
  expect(await house.call('POST', '/releases', { ...request, role: second })).toMatchObject({ status: 201 });
  expect(held?.version).toBe(1);

  const third = await reactor('floored 3.0.0');
  await house.upload(third);
  const [nextPath, next] = publisher.target('floored', '3.0.0', third, { counter: 3 });
  const sunk = publisher.role('floored', 3, { [path]: target, [nextPath]: next, 'floored/floor': floor(1) });
  expect(await refusal({ app: 'floored', version: '3.0.0', digest: third.digest, role: sunk })).toMatchObject(
    as('release.metadata-invalid', /only rise/),
  );
  expect((await house.move('stable', 'floored', '1.0.0')).body).toMatchObject({ code: 'request.invalid' });
});

test('two publishers of one app at the same time: one release lands, the other is told, nothing is half-stored', async () => {
  await house.publish('raced', '1.0.0');
  const before = (await stored()) as Record<string, number>;
  const rivals = await Promise.all(
    ['2.0.0', '2.0.1'].map(async (version) => {
      const made = await reactor(`raced ${version}`);
      await house.upload(made);
      return publisher.release('raced', version, made).request;
    }),
  );
  const answers = await Promise.all(rivals.map((request) => house.call('POST', '/releases', request)));
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
    code: 'trust.version-conflict',
  });
  expect(await stored()).toEqual({
    releases: (before['releases'] ?? 0) + 1,
    metadata: (before['metadata'] ?? 0) + 3,
    audited: (before['audited'] ?? 0) + 1,
  });
});

test('publishers of different apps at the same time all land, in one order of snapshots', async () => {
  const apps = ['par-a', 'par-b', 'par-c', 'par-d'];
  for (const app of apps) await house.publish(app, '1.0.0');
  const requests = await Promise.all(
    apps.map(async (app) => {
      const made = await reactor(`${app} 2.0.0`);
      await house.upload(made);
      return publisher.release(app, '2.0.0', made).request;
    }),
  );
  const answers = await Promise.all(requests.map((request) => house.call('POST', '/releases', request)));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  const snapshot = JSON.parse((await house.call('GET', '/trust/roles/snapshot')).body.content);
  for (const app of apps) expect(snapshot.signed.meta[`${app}.json`].version).toBe(2);
});

test('uploads: bytes that hash to something else are refused, and so is what is no Wasm', async () => {
  const made = await reactor('mislabelled');
  const put = (digest: string, bytes: Buffer) =>
    house.call('PUT', `/blobs/${digest}`, bytes, {
      role: 'operator',
      headers: { 'content-type': 'application/octet-stream' },
    });
  expect((await put('a'.repeat(64), made.bytes)).body).toMatchObject({ code: 'component.digest-mismatch' });
  const text = Buffer.from('#!/bin/sh');
  expect((await put(sha256(text), text)).body).toMatchObject({ code: 'component.not-wasm' });
  expect((await put(sha256(Buffer.alloc(0)), Buffer.alloc(0))).body).toMatchObject({
    code: 'component.not-wasm',
  });
  expect((await put('nonsense', made.bytes)).body).toMatchObject({ code: 'request.invalid' });
  expect(await house.rows(sql`select 1 from blobs where digest = ${made.digest}`)).toEqual([]);
});

test('uploads: a component over the size limit is refused, announced or not, and nothing of it stays', async () => {
  const huge = await reactor('huge', 400_001);
  expect((await house.upload(huge)).body).toMatchObject({ code: 'component.too-large', status: 413 });
  const response = await house.app.inject({
    method: 'PUT',
    url: `/api/v1/blobs/${huge.digest}`,
    headers: {
      'content-type': 'application/octet-stream',
      authorization: house.as('operator'),
    },
    payload: Readable.from([huge.bytes.subarray(0, 200_000), huge.bytes.subarray(200_000)]),
  });
  expect(response.json()).toMatchObject({ code: 'component.too-large' });
  expect(await house.rows(sql`select 1 from blob_chunks where digest = ${huge.digest}`)).toEqual([]);
});

test('uploads: the same bytes twice, even at once, are stored once and read back as they were', async () => {
  const made = await reactor('twice', 200_000);
  const answers = await Promise.all([house.upload(made), house.upload(made), house.upload(made)]);
  for (const { status } of answers) expect([200, 201]).toContain(status);
  expect(await house.upload(made)).toMatchObject({
    status: 200,
    body: { digest: made.digest, length: made.bytes.length },
  });
  const [row] =
    await house.rows(sql`select count(*)::int as chunks, (select chunks from blobs where digest = ${made.digest}) as named
    from blob_chunks where digest = ${made.digest}`);
  expect(row).toEqual({ chunks: 7, named: 7 });
  expect(await house.publish('twice', '1.0.0', made)).toMatchObject({ status: 201 });
});

test('a viewer uploads and publishes nothing, a stranger does not even read', async () => {
  const made = await reactor('viewer');
  const { request } = publisher.release('thermo', '2.0.0', made);
  expect((await house.call('POST', '/releases', request, { role: 'viewer' })).body).toMatchObject({
    code: 'auth.forbidden',
  });
  expect(
    (
      await house.call('PUT', `/blobs/${made.digest}`, made.bytes, {
        role: 'viewer',
        headers: { 'content-type': 'application/octet-stream' },
      })
    ).body,
  ).toMatchObject({ code: 'auth.forbidden' });
  expect((await house.call('GET', '/releases', undefined, { role: 'nobody' })).body).toMatchObject({
    code: 'auth.required',
  });
});
