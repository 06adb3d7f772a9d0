/** Secrets: those of others, and the own one where it must not stand. */
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppName, type DeviceId, type Grants } from '@wafer/protocol';
import { sealingKey, sealSecret } from '@wafer/protocol/sealing';
import { afterAll, beforeAll, expect } from 'vitest';
import { secretOpener } from '../../src/apps/unseal.ts';
import { faultOf } from '../apps/harness.ts';
import { attack, freshApp, Stage, type Step } from './stage.ts';

const DEVICE = 'd-abcdefghijklmnop' as DeviceId;
const VALUE = 'correct-horse-battery-staple';
const GRANTS: Grants = { secrets: ['api-key'] };
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

const sealed = (app: string, name = 'api-key'): string =>
  sealSecret(Buffer.from(VALUE), sealingKey(privateKey), { device: DEVICE, app: AppName.parse(app), name });

let stage: Stage;
beforeAll(() => {
  stage = new Stage(1, { openSecrets: secretOpener(DEVICE, pem) });
});
afterAll(() => stage.close());

/** The value in every form that a guest gives it here, and parts of them that no other text has. */
const FORMS = {
  raw: /correct-horse|battery|staple/,
  base64: /Y29ycmVjd|aG9yc2|YmF0dGVy|c3RhcGxl/,
  hex: /636f7272656374|686f727365|62617474657279|737461706c65/i,
} as const;
type Form = keyof typeof FORMS;

/** A guest with the secret, which it has read. */
async function holder(): Promise<string> {
  const app = freshApp();
  await stage.enter({ app, grants: GRANTS, secrets: { 'api-key': sealed(app) } });
  const [read] = await stage.steps(app, { on: 'secrets', call: 'get', with: ['api-key'], as: 'key' });
  expect(read).toEqual({ ok: VALUE });
  return app;
}

/** Everything that was said of the app to anybody but itself, and nothing of it is the secret. */
function expectUntold(app: string): string {
  const said = JSON.stringify([
    stage.told.lines.filter((line) => line.app === app),
    stage.told.faults.filter((fault) => fault.app === app),
  ]);
  for (const form of Object.values(FORMS)) expect(said).not.toMatch(form);
  return said;
}

attack('secret, ungranted: of another name, though its value is on the board', async () => {
  const app = freshApp();
  const secrets = { 'api-key': sealed(app), other: sealed(app, 'other') };
  await stage.enter({ app, grants: GRANTS, secrets });
  for (const name of ['other', '../api-key', '__proto__']) {
    const came = await stage.steps(app, { on: 'secrets', call: 'get', with: [name] });
    expect(came).toEqual([{ error: { tag: 'denied' } }]);
  }
  expect(stage.faultsOf(app)).toEqual(
    ['other', '../api-key', '__proto__'].map((name) => `capability-denied: secrets ${name}`),
  );
  return 'denied: secrets other';
});

attack('secret, ungranted: by a guest that was granted none', async () => {
  const app = freshApp();
  await stage.enter({ app, secrets: { 'api-key': sealed(app) } });
  const fault = await faultOf(stage.steps(app, { on: 'secrets', call: 'get', with: ['api-key'] }));
  expect(fault).toMatchObject({ kind: 'capability-denied', subject: 'wafer:app/secrets#get' });
  return 'denied: wafer:app/secrets#get';
});

attack('secret of another app, under the same name', async () => {
  const app = freshApp();
  const installed = stage.enter({ app, grants: GRANTS, secrets: { 'api-key': sealed(await holder()) } });
  expect(await faultOf(installed)).toMatchObject({ kind: 'signature', subject: 'secrets api-key' });
  return 'signature: it was sealed to the device, the app and the name';
});

for (const form of Object.keys(FORMS) as Form[]) {
  // At each place that a text in base64 may have the value at.
  const said = ['', 'k', 'ke', 'key='].map((before) => ({ spelled: 'key', as: form, before }));
  attack(`secret in logs and standard output, ${form}`, async () => {
    const app = await holder();
    const steps = said.flatMap((text): Step[] => [
      { on: 'logging', call: 'log', with: ['info', text, text] },
      { on: 'stdout', call: 'getStdout', as: 'out' },
      { on: 'out', call: 'write', with: [{ bytes: text }] },
      { on: 'out', call: 'write', with: [{ bytes: '\n' }] },
    ]);
    for (const { error } of await stage.steps(app, ...steps)) expect(error).toBeUndefined();
    const texts = stage.told.lines.filter((line) => line.app === app).map(({ text }) => text);
    expect(texts).toHaveLength(2 * said.length);
    for (const text of texts) expect(text).toContain('[secret api-key]');
    expectUntold(app);
    return 'the name stands where the value was';
  });
  attack(`secret in faults, ${form}`, async () => {
    const app = await holder();
    for (const text of said) {
      const fault = await faultOf(stage.steps(app, { fails: text }));
      expect(fault).toMatchObject({ kind: 'trap' });
      expect(fault.message).toContain('[secret api-key]');
      expect(fault.message).not.toMatch(FORMS[form]);
    }
    expect(expectUntold(app)).toContain('[secret api-key]');
    return 'the name stands where the value was';
  });
}

attack('secret in what a denied use names', async () => {
  const app = await holder();
  const client: Step = { on: 'messaging.Client', call: 'connect', with: [''], as: 'client' };
  const message: Step = { on: 'messaging', make: 'Message', with: [{ bytes: 'x' }], as: 'message' };
  const topic = { spelled: 'key' };
  await stage.steps(app, client, message, {
    on: 'producer',
    call: 'send',
    with: [{ handle: 'client' }, topic, { handle: 'message' }],
  });
  expect(stage.faultsOf(app)).toEqual(['capability-denied: messaging.publish [secret api-key]']);
  expectUntold(app);
  return 'denied: messaging.publish [secret api-key]';
});

attack('secret in the folders of the app host', async () => {
  await holder();
  const files = readdirSync(stage.folder, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    const text = readFileSync(join(file.parentPath, file.name), 'latin1');
    for (const form of Object.values(FORMS)) expect(text).not.toMatch(form);
  }
  return `in none of ${files.length} files`;
});
