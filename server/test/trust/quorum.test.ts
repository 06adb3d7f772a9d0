/** An app whose releases two keys sign together, and a thief who has one of them. */
import type { KeyObject } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fleet, type Fleet } from '../releases-fleet.ts';
import { idOf, newKey, reactor, signed, type Publisher } from '../releases-publisher.ts';

let house: Fleet;
let publisher: Publisher;
let ours: KeyObject;
let stolen: KeyObject;
let app: string;
let counter = 0;

beforeAll(async () => {
  house = await fleet();
  ({ publisher } = house);
});
afterAll(() => house.close());

beforeEach(async () => {
  counter += 1;
  app = `shared-${counter}`;
  publisher.addApp(app);
  [ours, stolen] = [publisher.appKeys.get(app)!, newKey()];
  publisher.coAppKeys.set(app, stolen);
  await house.call('POST', '/trust/metadata', { targets: publisher.targets() });
});

const versionOf = async (role: string): Promise<number | undefined> =>
  (await house.call('GET', '/trust/status')).body.versions[role];

async function release(version: string, ...signers: KeyObject[]) {
  const made = await reactor(`${app} ${version}`);
  await house.upload(made);
  const { request, keep } = publisher.release(app, version, made);
  const role = signed(request.role.signed, ...signers);
  return { answer: await house.call('POST', '/releases', { ...request, role }), keep };
}

test('a release that both signed is published, and says who signed it', async () => {
  const { answer } = await release('1.0.0', ours, stolen);
  expect(answer.status).toBe(201);
  expect(answer.body.signers.toSorted()).toEqual([ours, stolen].map(idOf).toSorted());
  const { roles } = (await house.call('GET', '/trust')).body;
  expect(roles).toContainEqual(
    expect.objectContaining({ role: app, threshold: 2, keys: [ours, stolen].map(idOf) }),
  );
});

test('one of two keys of an app stolen: a release that it signed alone is refused and leaves nothing', async () => {
  for (const signers of [[stolen], [stolen, newKey()], [stolen, publisher.targetsKey]]) {
    const { answer } = await release('6.6.6', ...signers);
    expect(answer.body).toMatchObject({ code: 'trust.signature-invalid' });
  }
  const made = await reactor(`${app} 6.6.6`);
  const { request } = publisher.release(app, '6.6.6', made);
  const alone = signed(request.role.signed, stolen);
  const [signature] = alone.signatures;
  for (const second of [signature, { ...signature, keyid: idOf(ours) }]) {
    const role = { ...alone, signatures: [signature, second] };
    const answer = await house.call('POST', '/releases', { ...request, role });
    expect(answer.status).toBeGreaterThanOrEqual(400);
  }
  expect(await versionOf(app)).toBeUndefined();
  expect(await house.rows(sql`select 1 from releases where app = ${app}`)).toEqual([]);
});

test('one of two keys of an app stolen: a floor that it signed alone is refused', async () => {
  const { keep } = await release('1.0.0', ours, stolen);
  keep();
  const { targets = {} } = publisher.roles.get(app) ?? {};
  const role = publisher.role(app, 2, targets, stolen);
  expect((await house.call('POST', '/trust/metadata', { roles: { [app]: role } })).body).toMatchObject({
    code: 'trust.signature-invalid',
  });
  expect(await versionOf(app)).toBe(1);
});

test('one of two keys of an app stolen: it cannot make itself enough', async () => {
  const { keep } = await release('1.0.0', ours, stolen);
  keep();
  const body = publisher.targetsBody() as { delegations: { roles: { name: string; threshold: number }[] } };
  for (const each of body.delegations.roles) if (each.name === app) each.threshold = 1;
  const targets = signed({ ...body }, stolen);
  expect((await house.call('POST', '/trust/metadata', { targets })).body).toMatchObject({
    code: 'trust.signature-invalid',
  });
});

test('a threshold rises only together with a role that as many have signed, and is on record', async () => {
  publisher.coAppKeys.delete(app);
  await house.call('POST', '/trust/metadata', { targets: publisher.targets() });
  const { keep } = await release('1.0.0', ours);
  keep();
  publisher.coAppKeys.set(app, stolen);
  const targets = publisher.targets();
  expect((await house.call('POST', '/trust/metadata', { targets })).body).toMatchObject({
    code: 'trust.signature-invalid',
  });
  const role = publisher.role(app, 2, publisher.roles.get(app)?.targets ?? {});
  const roles = { [app]: role };
  expect((await house.call('POST', '/trust/metadata', { targets, roles })).status).toBe(201);
  const [event] = await house.rows(sql`
    select before -> 'apps' -> ${app} as before, after -> 'apps' -> ${app} as after
    from audit_events where action = 'trust.targets-signed' order by id desc limit 1`);
  expect(event).toMatchObject({
    before: { keys: [idOf(ours)], threshold: 1 },
    after: { keys: [ours, stolen].map(idOf), threshold: 2 },
  });
});
