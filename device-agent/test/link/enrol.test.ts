import { createPublicKey, X509Certificate } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { EnrolRequest, ERRORS, systemClock, type ErrorCode } from '@wafer/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { enrol } from '../../src/link/enrol.ts';
import { readIdentity } from '../../src/link/identity.ts';
import { temporaryFolder } from '../folder.ts';
import { DEVICE } from '../state/orders.ts';
import { Repository } from '../trust/repository.ts';
import { Authority } from './authority.ts';

const SECRET = 's'.repeat(43);

interface ServerOptions {
  readonly authority: Authority;
  /** The chain that is shown, where it is another than the authority's own. */
  readonly shown?: Authority;
  readonly host?: string;
  readonly problem?: ErrorCode;
  readonly change?: (answer: Record<string, unknown>) => unknown;
}

async function serve(options: ServerOptions) {
  const { authority, shown = authority } = options;
  const bodies: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    bodies.push(Buffer.concat(parts).toString());
    if (options.problem !== undefined) {
      const { status, title } = ERRORS[options.problem];
      const type = `urn:wafer:error:${options.problem}`;
      response.writeHead(status, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ type, title, status, detail: 'the detail', code: options.problem }));
      return;
    }
    const { csr } = EnrolRequest.parse(JSON.parse(bodies.at(-1)!));
    const enrolment = {
      device: DEVICE,
      certificate: await authority.device(DEVICE, csr),
      ca: authority.pem,
      broker: { host: '127.0.0.1', port: 8883 },
      root: new Repository().root,
    };
    response.end(JSON.stringify((await options.change?.(enrolment)) ?? enrolment));
  };
  const server = createServer(await shown.server(options.host), (request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  const folder = await temporaryFolder();
  const token = `wafer1.${authority.pin}.${SECRET}`;
  return {
    bodies,
    folder,
    port,
    enrol: (changes: { server?: string; token?: string } = {}) =>
      enrol({ token, server: `https://127.0.0.1:${port}`, folder, clock: systemClock, ...changes }),
  };
}

test('a board enrols: its key stays here at mode 0600, and everything is stored', async () => {
  const authority = await Authority.create();
  const { enrol: go, folder, bodies } = await serve({ authority });
  const { device } = await go();
  expect(device).toBe(DEVICE);
  const identity = await readIdentity(folder);
  expect(identity).toMatchObject({ device: DEVICE, broker: { host: '127.0.0.1', port: 8883 } });
  const keyFile = join(folder, 'identity', 'key.pem');
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
  const spki = createPublicKey(await readFile(keyFile, 'utf8')).export({ type: 'spki', format: 'der' });
  const certified = new X509Certificate(identity!.certificate).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  expect(spki.equals(certified)).toBe(true);
  expect(bodies.join()).not.toContain('PRIVATE');
  expect(JSON.parse(await readFile(join(folder, 'trust', 'factory-root.json'), 'utf8'))).toHaveProperty(
    'signed',
  );
});

test('a server name is checked when the address is a name', async () => {
  const { enrol: go, port } = await serve({ authority: await Authority.create() });
  expect((await go({ server: `https://localhost:${port}` })).device).toBe(DEVICE);
});

test('a machine in the middle with a CA of its own gets neither token nor identity', async () => {
  const authority = await Authority.create();
  const { enrol: go, bodies, folder } = await serve({ authority, shown: await Authority.create() });
  await expect(go()).rejects.toMatchObject({ code: 'claim.wrong-server' });
  expect(bodies).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

test('a machine in the middle that shows the true CA behind its own leaf gets nothing either', async () => {
  const authority = await Authority.create();
  const impostor = await Authority.create();
  const { cert, key } = await impostor.server();
  const shown = { server: async () => ({ key, cert: `${cert}${authority.pem}` }) } as unknown as Authority;
  const { enrol: go, bodies } = await serve({ authority, shown });
  await expect(go()).rejects.toMatchObject({
    code: expect.stringMatching(/claim.wrong-server|server.unavailable/),
  });
  expect(bodies).toEqual([]);
});

test("a device's own certificate, or one for another host, does not make a server", async () => {
  const authority = await Authority.create();
  const { enrol: go, bodies } = await serve({ authority, host: '192.0.2.1' });
  await expect(go()).rejects.toMatchObject({ code: 'server.unavailable' });
  expect(bodies).toEqual([]);
});

test.each<ErrorCode>(['claim.unknown', 'claim.expired', 'claim.used-up', 'trust.not-initialised'])(
  "the server's %s is passed on with its detail, and nothing is stored",
  async (problem) => {
    const { enrol: go, folder } = await serve({ authority: await Authority.create(), problem });
    await expect(go()).rejects.toMatchObject({ code: problem, message: 'the detail' });
    expect(await readdir(folder)).toEqual([]);
  },
);

test.each<[string, (answer: Record<string, unknown>) => unknown]>([
  [
    'a certificate for another key',
    async (answer) => {
      const other = await Authority.create();
      return { ...answer, certificate: (await other.enrolled(DEVICE)).certificate };
    },
  ],
  ['a certificate in another name', (answer) => ({ ...answer, device: 'd-ponmlkjihgfedcba' })],
  ['another CA than the pinned one', async (answer) => ({ ...answer, ca: (await Authority.create()).pem })],
  ['a root that does not sign itself', (answer) => ({ ...answer, root: '{"signed":{}}' })],
  ['no enrolment at all', () => ({ hello: 'world' })],
])('an answer with %s is refused, and nothing is stored', async (_, change) => {
  const { enrol: go, folder } = await serve({ authority: await Authority.create(), change });
  await expect(go()).rejects.toMatchObject({ name: 'WaferError' });
  expect(await readdir(folder)).toEqual([]);
});

test('a token that is none, and an address that is none, are refused before any connection', async () => {
  const { enrol: go, bodies } = await serve({ authority: await Authority.create() });
  await expect(go({ token: 'wafer1.abc' })).rejects.toMatchObject({ code: 'claim.unknown' });
  await expect(go({ server: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'request.invalid' });
  await expect(go({ server: 'https://127.0.0.1:1' })).rejects.toMatchObject({ code: 'server.unavailable' });
  expect(bodies).toEqual([]);
});

test('a board that is enrolled keeps its identity', async () => {
  const { enrol: go } = await serve({ authority: await Authority.create() });
  await go();
  await expect(go()).rejects.toMatchObject({ code: 'request.precondition-failed' });
});
