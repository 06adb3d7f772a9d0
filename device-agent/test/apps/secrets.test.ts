/** Secrets in a real guest: opened for it alone, and in nothing that leaves it by mistake. */
import { generateKeyPairSync } from 'node:crypto';
import { AppName, type DeviceId, type Grants } from '@wafer/protocol';
import { sealingKey, sealSecret } from '@wafer/protocol/sealing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { secretOpener } from '../../src/apps/unseal.ts';
import { Board, faultOf, PUPPET, TALK } from './harness.ts';

const DEVICE = 'd-abcdefghijklmnop' as DeviceId;
const VALUE = 'correct-horse-battery-staple';
const GRANTS: Grants = { ...TALK, secrets: ['api-key', 'token'] };
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

const sealed = (value: string, name = 'api-key', app = 'puppet'): string =>
  sealSecret(Buffer.from(value), sealingKey(privateKey), { device: DEVICE, app: AppName.parse(app), name });

let board: Board;
beforeAll(async () => {
  board = new Board(1, { openSecrets: secretOpener(DEVICE, pem) });
  await board.prepare();
}, 60_000);
afterAll(() => board.close());
beforeEach(async () => {
  await board.runtime.stop(PUPPET);
  board.forget();
});

const install = (more: object = {}) =>
  board.install({ grants: GRANTS, secrets: { 'api-key': sealed(VALUE) }, ...more });

describe('a guest', () => {
  it('reads what it was granted and an operator set, again after it fell', async () => {
    await install();
    expect(await board.ask('secret', { name: 'api-key' })).toEqual({ ok: VALUE });
    await faultOf(board.deliver('exit', { status: 'err' }));
    expect(await board.ask('secret', { name: 'api-key' })).toEqual({ ok: VALUE });
  });

  it('is told of a granted name that nobody set', async () => {
    await install();
    expect(await board.ask('secret', { name: 'token' })).toEqual({ error: { tag: 'missing' } });
    expect(board.told.faults).toEqual([]);
  });

  it('is denied a name that no grant has, though a value came for it, and is told on', async () => {
    await install({ secrets: { 'api-key': sealed(VALUE), other: sealed(VALUE, 'other') } });
    expect(await board.ask('secret', { name: 'other' })).toEqual({ error: { tag: 'denied' } });
    expect(board.told.faults).toEqual([
      {
        app: 'puppet',
        version: '1.0.0',
        fault: expect.objectContaining({ kind: 'capability-denied', subject: 'secrets other' }),
        count: 1,
      },
    ]);
  });

  it.each(['__proto__', 'constructor', 'toString', ''])('finds nothing under "%s"', async (name) => {
    await install();
    expect(await board.ask('secret', { name })).toEqual({ error: { tag: 'denied' } });
  });

  it('without a grant finds no such interface', async () => {
    await board.install({ grants: TALK, secrets: { 'api-key': sealed(VALUE) } });
    const fault = { kind: 'capability-denied', subject: 'wafer:app/secrets#get' };
    // The denial is no error of the interface, so it ends the call.
    expect(await faultOf(board.deliver('secret', { name: 'api-key' }))).toMatchObject(fault);
  });

  it('reads the new value after a swap, and keeps its state', async () => {
    await install();
    await board.ask('count');
    await install({ version: '1.0.0', secrets: { 'api-key': sealed('changed by an operator') } });
    expect(await board.ask('secret', { name: 'api-key' })).toEqual({ ok: 'changed by an operator' });
    expect(await board.ask('count')).toMatchObject({ count: 2 });
  });
});

describe('a value that does not open', () => {
  it.each([
    ['was sealed for another app', sealed(VALUE, 'api-key', 'other')],
    ['was sealed under another name', sealed(VALUE, 'token')],
    ['was altered', `${sealed(VALUE).slice(0, -8)}AAAAAAA=`],
    ['is no sealed value', 'AAAA'],
  ])('because it %s is a fault that names it, and the release before it goes on', async (_, value) => {
    await install({ version: '1.0.0' });
    const fault = await faultOf(install({ version: '1.1.0', secrets: { 'api-key': value } }));
    expect(fault).toMatchObject({ kind: 'signature', subject: 'secrets api-key' });
    expect(fault.message).toContain('api-key of puppet');
    expect(board.runtime.health()).toMatchObject([{ app: 'puppet', version: '1.0.0' }]);
    expect(await board.ask('secret', { name: 'api-key' })).toEqual({ ok: VALUE });
  });

  it('in a runtime without a key starts nothing', async () => {
    const keyless = new Board();
    try {
      const installed = keyless.install({ grants: GRANTS, secrets: { 'api-key': sealed(VALUE) } });
      expect(await faultOf(installed)).toMatchObject({ kind: 'signature', subject: 'secrets api-key' });
    } finally {
      await keyless.close();
    }
  });
});

describe('what a guest says', () => {
  const everything = (): string => JSON.stringify([board.told.lines, board.told.faults]);

  it('has the name for the value in logs, standard output and the error of a call', async () => {
    await install();
    const fault = await faultOf(board.deliver('blurt', { name: 'api-key', before: 'key=', after: '!' }));
    expect(fault.message).toContain('other: key=[secret api-key]!');
    expect(board.told.lines.map(({ text }) => text)).toEqual([
      '[secret api-key]: key=[secret api-key]!',
      'key=[secret api-key]!',
    ]);
    expect(everything()).not.toContain('horse');
  });

  it('has it in the last words and the stack of a trap', async () => {
    await install();
    const fault = await faultOf(board.deliver('crash', { name: 'api-key' }));
    expect(fault.kind).toBe('trap');
    expect(fault.message).toContain('[secret api-key]');
    expect(JSON.stringify(fault) + everything()).not.toContain('horse');
  });

  it('shows no part of a value where a long line is cut', async () => {
    await install({ limits: { logBytesPerMinute: 10_000_000, deadlineMs: 20_000 } });
    for (let before = 3960; before <= 4004; before += 4) {
      await faultOf(
        board.deliver('blurt', { name: 'api-key', before: 'x'.repeat(before), after: 'y'.repeat(300) }),
      );
    }
    const said = board.told.lines.map(({ text }) => text);
    expect(said.length).toBeGreaterThan(24);
    for (const text of said) {
      expect(text.length).toBeLessThanOrEqual(4000);
      expect(text).not.toMatch(/corr|horse|batt|stap/);
    }
  });

  it('has it in the subject of a denial', async () => {
    await install();
    expect(await board.ask('publish', { topic: `${VALUE}/x` })).toMatchObject({ error: {} });
    expect(board.told.faults[0]?.fault.subject).toBe('messaging.publish [secret api-key]/x');
    expect(everything()).not.toContain('horse');
  });
});
