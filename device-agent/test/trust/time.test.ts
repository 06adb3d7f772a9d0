/** Who may tell a board without a clock what time it is. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signDocument, type SignedTime, type TimeDocument } from '@wafer/protocol';
import { beforeEach, expect, test, vi } from 'vitest';
import { openClock, type TrustedClock } from '../../src/link/clock.ts';
import { createTimekeeper } from '../../src/link/timekeeper.ts';
import { factoryRootPath } from '../../src/trust/generations.ts';
import { Trust } from '../../src/trust/updater.ts';
import { newBoard, SOON } from '../board.ts';
import { temporaryFolder } from '../folder.ts';
import { DEVICE, orderFor, OTHER_DEVICE } from '../state/orders.ts';
import { newSigner, Repository } from './repository.ts';

const DAY_MS = 86_400_000;
const LATER = Date.now() + 30 * DAY_MS;

let repository: Repository;
let clock: TrustedClock;
let trust: Trust;
/** Of the timekeeper, ms. */
let reading: number;

/** A board that woke up in 1970, and whose system says that nothing keeps its clock right. */
beforeEach(async () => {
  repository = new Repository();
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(folder), repository.root);
  reading = 0;
  clock = await openClock(folder, {
    now: () => 0,
    monotonic: () => 0,
    isSynchronised: async () => false,
  });
  trust = await Trust.open({ folder, requests: repository.requests, clock });
});

/** Asks once; resolves with what went wrong, or with undefined. */
async function ask(): Promise<string | undefined> {
  let wrong: string | undefined;
  const timekeeper = createTimekeeper({
    device: DEVICE,
    requests: repository.requests,
    trust,
    clock,
    log: (_, __, details) => (wrong = String(details?.['reason'])),
    monotonic: () => reading,
  });
  const answered = vi.spyOn(clock, 'answered');
  timekeeper.tick();
  await vi.waitFor(() => expect(wrong !== undefined || answered.mock.calls.length > 0).toBe(true), SOON);
  answered.mockRestore();
  return wrong;
}

/** The server answers as an honest one would later on, but for what `alter` does. */
function answering(alter: (document: TimeDocument) => SignedTime): void {
  repository.tellTime = (document) => alter({ ...document, time: new Date(LATER).toISOString() });
}
const honest = (document: TimeDocument): SignedTime => signDocument(document, repository.keys.director.key);

test('a board without a clock learns the time from the server, and with it what has expired', async () => {
  await trust.refresh(async () => {});
  repository.expires = new Date(LATER - DAY_MS);
  repository.sign();
  await trust.refresh(async () => {});
  answering(honest);
  expect(await ask()).toBeUndefined();
  expect(clock.now()).toBe(LATER);
  await expect(trust.refresh(async () => {})).rejects.toThrow(/past its time/);
});

test.each<[string, (document: TimeDocument) => SignedTime]>([
  ['signed by the timestamp key', (document) => signDocument(document, repository.keys.timestamp.key)],
  ['signed by nobody known', (document) => signDocument(document, newSigner().key)],
  [
    'altered after it was signed',
    (document) => ({
      ...honest(document),
      signed: { ...document, time: new Date(LATER + DAY_MS).toISOString() },
    }),
  ],
  ['for another device', (document) => honest({ ...document, device: OTHER_DEVICE })],
  ['under another nonce', (document) => honest({ ...document, nonce: '0'.repeat(32) })],
])('time: an answer that is %s is none', async (_, alter) => {
  await trust.refresh(async () => {});
  const before = clock.now();
  answering(alter);
  expect(await ask()).toMatch(/the time/);
  expect(clock.now()).toBe(before);
});

test('time: an answer that was true once is none when it is replayed', async () => {
  await trust.refresh(async () => {});
  let recorded: SignedTime | undefined;
  answering((document) => (recorded ??= honest(document)));
  expect(await ask()).toBeUndefined();
  expect(await ask()).toMatch(/somebody else, or before/);
});

test('time: a director key that was taken away tells it no more, and the new one does', async () => {
  await trust.refresh(async () => {});
  const stolen = repository.keys.director;
  repository.keys.director = newSigner();
  repository.sign();
  await trust.refresh(async () => {});
  answering((document) => signDocument(document, stolen.key));
  expect(await ask()).toMatch(/no director key/);
  answering(honest);
  expect(await ask()).toBeUndefined();
});

test('time: nobody is believed before anything was verified', async () => {
  answering(honest);
  expect(await ask()).toMatch(/no verified metadata/);
});

test('an agent asks for the time once it has verified who may tell it, each time under another nonce', async () => {
  const board = await newBoard();
  const nonces = () => board.repository.asked.flatMap((asked) => (asked.want === 'time' ? asked.nonce : []));
  const { repository: served, server } = board;
  const thermo = orderFor(served.publish('thermo', '1.0.0'), { health: { soakMs: 50 } });
  await server.order(served.desired(DEVICE, 1, [thermo]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  for (let boots = 0; boots < 2; boots += 1) {
    await board.halt();
    const before = nonces().length;
    await board.boot();
    await vi.waitFor(() => expect(nonces()).toHaveLength(before + 1), SOON);
  }
  expect(new Set(nonces()).size).toBe(nonces().length);
});
