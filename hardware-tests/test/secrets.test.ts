/**
 * A secret on its whole way: from the operator's file to a guest on a board, changed while the guest
 * runs, and in clear nowhere else, on neither disk, in no log and no report.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalFleet } from '../src/local-fleet.ts';

const FIRST = 'correct-horse-battery-staple';
const SECOND = 'zebra:crossing+with/signs=77';

/** Says its secret wherever it can; what proves that it has it is the sum of its bytes. */
const GUEST = `
import { get } from 'wafer:app/secrets@0.1.0';
import { log } from 'wasi:logging/logging@0.1.0-draft';
import { send } from 'wasi:messaging/producer@0.2.0-draft';
import { Client, Message } from 'wasi:messaging/types@0.2.0-draft';

const bytes = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const text = (list) => String.fromCharCode(...list);
let count = 0;

const attempt = (name) => {
  try {
    return { value: get(name) };
  } catch (error) {
    return { error: error.payload.tag };
  }
};

export const lifecycle = { start() {}, stop() {} };
export const state = {
  save: () => bytes(String(count)),
  restore(snapshot) { count = Number(text(snapshot)); },
};
export const timer = {
  tick() {
    count += 1;
    const { value, error } = attempt('api-key');
    const sum = value === undefined ? null : value.reduce((total, byte) => total + byte, 0);
    const said = { count, sum, error, other: attempt('other').error };
    send(Client.connect(''), 'telemetry/secret', new Message(bytes(JSON.stringify(said))));
    if (value === undefined) return;
    log('info', 'key', text(value));
    throw 'cannot sign in with ' + text(value);
  },
};
`;

const MANIFEST = `
app: secretive
world: reactor
grants:
  clock: true
  messaging: { publish: ['telemetry/#'], subscribe: [] }
  secrets: [api-key]
limits: { memoryMiB: 16, deadlineMs: 1000 }
triggers: { everyMs: 300 }
health: { soakMs: 500, soakFaults: 1000 }
`;

const sumOf = (value: string): number => [...Buffer.from(value)].reduce((total, byte) => total + byte, 0);

interface Said {
  readonly count: number;
  readonly sum: number | null;
  readonly error?: string;
  readonly other: string;
}

const fleet = new LocalFleet();
let device: string;
let board: string;

beforeAll(async () => {
  await fleet.startServer();
  await fleet.mustWafer('keys', 'init', '--no-passphrase');
  const source = join(fleet.folder, 'secretive');
  mkdirSync(source);
  writeFileSync(join(source, 'secretive.js'), GUEST);
  writeFileSync(join(source, 'wafer.yaml'), MANIFEST);
  await fleet.mustWafer('publish', join(source, 'secretive.js'), '--version', '1.0.0', '--channel', 'stable');
  board = await fleet.enrol('board');
  ({ device } = await fleet.startBoard(board));
}, 90_000);
afterAll(() => fleet.close(), 30_000);

/** The guest's last word that fits, said after `since`. */
const said = (what: string, fits: (one: Said) => boolean, since = new Date(0)): Promise<Said> =>
  fleet.until(device, what, ({ messages }) => {
    const found = messages.find(({ topic }) => topic === 'telemetry/secret');
    if (found === undefined || new Date(found.at) <= since) return undefined;
    const one = JSON.parse(found.payload) as Said;
    return fits(one) ? one : undefined;
  });

async function set(value: string): Promise<Record<string, unknown>> {
  const file = join(fleet.folder, 'value');
  writeFileSync(file, value);
  try {
    return await fleet.mustWafer('secret', 'set', 'secretive', 'api-key', '--file', file);
  } finally {
    rmSync(file);
  }
}

/** Files below `folder` that hold one of `needles`. */
function holding(folder: string, needles: readonly string[]): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  expect(files.length).toBeGreaterThan(5);
  return files.flatMap(({ parentPath, name }) => {
    const bytes = readFileSync(join(parentPath, name));
    return needles.filter((needle) => bytes.includes(needle)).map((needle) => `${name}: ${needle}`);
  });
}

it(
  'reaches the guest when it is set and when it is changed, by a swap that keeps its state',
  { timeout: 120_000 },
  async () => {
    const before = await said('the guest without its secret', ({ sum }) => sum === null);
    expect(before).toMatchObject({ error: 'missing', other: 'denied' });
    expect(await set(FIRST)).toEqual({ app: 'secretive', name: 'api-key', channel: null, devices: 1 });
    const first = await said('the first value', ({ sum }) => sum === sumOf(FIRST));
    expect(first.count).toBeGreaterThan(before.count);
    await set(SECOND);
    const second = await said('the second value', ({ sum }) => sum === sumOf(SECOND));
    expect(second.count).toBeGreaterThan(first.count);
    const { state, version, swap } = await fleet.execution(device, 'secretive', '1.0.0', ['SUCCEEDED']);
    expect({ state, version, lostCalls: swap?.lostCalls }).toEqual({
      state: 'SUCCEEDED',
      version: '1.0.0',
      lostCalls: 0,
    });
  },
);

it(
  'is there again after the power went, from what lies sealed on the board',
  { timeout: 90_000 },
  async () => {
    await fleet.stopBoard(board, 'SIGKILL');
    const since = new Date();
    await fleet.startBoard(board);
    const after = await said('the value after a start', ({ sum }) => sum === sumOf(SECOND), since);
    expect(after).toMatchObject({ other: 'denied' });
  },
);

it('is in clear on no disk, in no log, no report and no answer', { timeout: 90_000 }, async () => {
  const { items: lines } = await fleet.api<{ items: { text: string }[] }>(
    'GET',
    `/devices/${device}/logs?limit=200`,
  );
  expect(lines.map(({ text }) => text)).toContain('key: [secret api-key]');
  const events = JSON.stringify(await fleet.api('GET', `/devices/${device}/events?limit=200`));
  expect(events).toContain('cannot sign in with [secret api-key]');

  const forms = [FIRST, SECOND].flatMap((value) => {
    const bytes = Buffer.from(value);
    return [value, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
  });
  const audit = JSON.stringify(await fleet.api('GET', '/audit?limit=200'));
  expect(audit).toContain('secret.set');
  const list = JSON.stringify(await fleet.mustWafer('secret', 'list', 'secretive'));
  const told = [
    JSON.stringify(lines),
    events,
    audit,
    list,
    JSON.stringify(await fleet.device(device)),
    fleet.logs,
  ];
  expect(forms.filter((form) => told.some((text) => text.includes(form)))).toEqual([]);

  await fleet.stopBoard(board);
  for (const folder of [board, join(fleet.folder, 'data')]) {
    expect(holding(folder, ['api-key'])).not.toEqual([]);
    expect(holding(folder, forms)).toEqual([]);
  }
});
