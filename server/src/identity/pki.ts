/**
 * The CA and the server's certificate on disk, in `<data>/server/pki`, every file 0600:
 * `ca.key`, `ca.crt`, `server.key`, `server.crt`. The CA is made once and never again; the server's
 * certificate is made anew when it is about to expire or when the server is called by other names.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Clock, DeviceId } from '@wafer/protocol';
import { and, eq, isNull } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { StartError, type Config } from '../config.ts';
import { writeSecret, writeSecretOnce } from '../db/secret-file.ts';
import { devicesTable as devices } from '../devices/index.ts';
import type { Authority } from './authority.ts';
import {
  digestOf,
  makeCa,
  makeDeviceCertificate,
  makeServerCertificate,
  newKeyPem,
  readSigner,
  stillServes,
  type Signer,
} from './certificates.ts';
import { certificates } from './tables.ts';

interface AuthorityParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly db: PostgresJsDatabase;
}

/** Reads the CA, makes what is missing. Rejects with a StartError when what is there is unreadable. */
export async function openAuthority({ config, clock, db }: AuthorityParts): Promise<Authority> {
  const folder = join(config.dataFolder, 'server', 'pki');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { ca, caPem } = await openCa(folder, clock);
  const { key, certificate } = await openServerCertificate(folder, ca, serverHosts(config.host), clock);
  return {
    caPem,
    caDigest: digestOf(ca.certificate),
    serverTls: () => ({ key, cert: `${certificate}\n${caPem}\n`, ca: caPem }),
    issue: (csrPem, device) => makeDeviceCertificate(ca, csrPem, device, clock),
    isRevoked: (serial, device) => isRevoked(db, serial, device),
  };
}

async function openCa(folder: string, clock: Clock): Promise<{ ca: Signer; caPem: string }> {
  const keyPem = await writeSecretOnce(join(folder, 'ca.key'), newKeyPem);
  try {
    const caPem = await writeSecretOnce(join(folder, 'ca.crt'), () => makeCa(keyPem, clock));
    return { ca: await readSigner(caPem, keyPem), caPem };
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unreadable';
    throw new StartError(
      `The CA in ${folder} cannot be used (${why}): restore ca.key and ca.crt from a backup.`,
    );
  }
}

async function openServerCertificate(
  folder: string,
  ca: Signer,
  hosts: readonly string[],
  clock: Clock,
): Promise<{ key: string; certificate: string }> {
  const key = await writeSecretOnce(join(folder, 'server.key'), newKeyPem);
  const path = join(folder, 'server.crt');
  const before = await readFile(path, 'utf8').catch(() => undefined);
  // One that cannot be parsed is replaced like one that has expired: it holds no secret of its own.
  const serves =
    before !== undefined && (await stillServes(before, ca, key, hosts, clock).catch(() => false));
  if (serves) return { key, certificate: before };
  const certificate = await makeServerCertificate(ca, key, hosts, clock);
  await writeSecret(path, certificate);
  return { key, certificate };
}

/** Listening everywhere, the server is called by any address that the machine has. */
const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

/** What devices are told to call. */
export const advertisedHost = (host: string): string => (isWildcard(host) ? hostname() : host);

function serverHosts(host: string): string[] {
  const everywhere = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = isWildcard(host) ? everywhere.filter(({ scopeid }) => !scopeid) : [];
  return [
    ...new Set([
      'localhost',
      '127.0.0.1',
      '::1',
      hostname(),
      advertisedHost(host),
      ...addresses.map(({ address }) => address),
    ]),
  ];
}

async function isRevoked(db: PostgresJsDatabase, serial: string, device: DeviceId): Promise<boolean> {
  const good = await db
    .select({ serial: certificates.serial })
    .from(certificates)
    .innerJoin(devices, eq(devices.id, certificates.device))
    .where(
      and(
        eq(certificates.serial, serial.toLowerCase()),
        eq(certificates.device, device),
        isNull(certificates.revoked),
        isNull(devices.revoked),
      ),
    );
  return good.length === 0;
}
