import { X509Certificate } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkServerIdentity, connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { Days } from '@wafer/protocol';
import { expect, it } from 'vitest';
import type { Config } from '../src/config.ts';
import type { Deps } from '../src/deps.ts';
import { openAuthority } from '../src/identity/index.ts';
import { folderForTest, testClock, testConfig } from './harness.ts';

const NO_DATABASE = undefined as unknown as Deps['db'];

async function authorityIn(folder: string, clock = testClock(), more: Partial<Config> = {}) {
  return openAuthority({ config: testConfig(folder, more), clock, db: NO_DATABASE });
}

const leaf = ({ cert }: { cert: string }): X509Certificate => new X509Certificate(cert);

it('the first start makes four files that only their owner may read', async () => {
  const folder = await folderForTest();
  await authorityIn(folder);
  const pki = join(folder, 'server', 'pki');
  expect((await readdir(pki)).toSorted()).toEqual(['ca.crt', 'ca.key', 'server.crt', 'server.key']);
  for (const name of await readdir(pki)) expect((await stat(join(pki, name))).mode & 0o777).toBe(0o600);
});

it('the CA lives ten years on P-256 and signs nothing but end entities', async () => {
  const { caPem } = await authorityIn(await folderForTest());
  const ca = new X509Certificate(caPem);
  expect(ca.ca).toBe(true);
  expect(ca.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  expect(Date.parse(ca.validTo) - Date.now()).toBeGreaterThan(Days(3650));
});

it('the next start finds the same CA and the same server certificate', async () => {
  const folder = await folderForTest();
  const [first, second] = [await authorityIn(folder), await authorityIn(folder)];
  expect(second.caDigest).toBe(first.caDigest);
  expect(second.serverTls()).toEqual(first.serverTls());
});

it('a claim pins the SHA-256 of the CA’s DER, in base64url', async () => {
  const { caPem, caDigest } = await authorityIn(await folderForTest());
  const hex = new X509Certificate(caPem).fingerprint256.replaceAll(':', '');
  expect(caDigest).toBe(Buffer.from(hex, 'hex').toString('base64url'));
});

it('the server’s certificate is renewed before it expires, under the same CA and key', async () => {
  const folder = await folderForTest();
  const clock = testClock();
  const first = await authorityIn(folder, clock);
  clock.advance(Days(300));
  expect((await authorityIn(folder, clock)).serverTls()).toEqual(first.serverTls());
  clock.advance(Days(20));
  const renewed = (await authorityIn(folder, clock)).serverTls();
  expect(renewed.cert).not.toBe(first.serverTls().cert);
  expect(renewed.key).toBe(first.serverTls().key);
  expect(renewed.ca).toBe(first.caPem);
  expect(leaf(renewed).verify(new X509Certificate(first.caPem).publicKey)).toBe(true);
});

it('called by another name, the server gets a certificate for it', async () => {
  const folder = await folderForTest();
  const before = leaf((await authorityIn(folder)).serverTls());
  expect(before.checkHost('fleet.example')).toBeUndefined();
  const after = leaf((await authorityIn(folder, testClock(), { host: 'fleet.example' })).serverTls());
  expect(after.checkHost('fleet.example')).toBe('fleet.example');
  expect(after.checkHost('localhost')).toBe('localhost');
  for (const address of ['127.0.0.1', '::1']) expect(after.checkIP(address)).toBe(address);
  const other = leaf((await authorityIn(folder, testClock(), { host: '10.0.0.7' })).serverTls());
  expect(other.checkIP('10.0.0.7')).toBe('10.0.0.7');
});

it('a spoilt server certificate is made anew', async () => {
  const folder = await folderForTest();
  await authorityIn(folder);
  const path = join(folder, 'server', 'pki', 'server.crt');
  await writeFile(path, 'spoilt');
  const { cert } = (await authorityIn(folder)).serverTls();
  expect(cert.startsWith(await readFile(path, 'utf8'))).toBe(true);
  expect(leaf({ cert }).checkHost('localhost')).toBe('localhost');
});

it('a client that trusts this CA alone completes the handshake, by address and by name', async () => {
  const authority = await authorityIn(await folderForTest());
  const server = createServer(authority.serverTls(), (socket) => socket.end()).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  for (const servername of ['', 'localhost']) {
    const socket = await new Promise<TLSSocket>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, ca: authority.caPem, servername };
      const checkIdentity = (_name: string, certificate: PeerCertificate) =>
        checkServerIdentity(servername || '127.0.0.1', certificate);
      const client = connect({ ...options, checkServerIdentity: checkIdentity }, () => resolve(client));
      client.once('error', reject);
    });
    expect(socket.authorized).toBe(true);
    socket.destroy();
  }
  server.close();
});
