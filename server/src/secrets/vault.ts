/**
 * Values at rest and on their way. At rest they are locked with AES-256-GCM under a key that lies beside
 * the server's other keys (`<data>/server/secrets.key`, mode 0600) and never in the database; each is bound
 * to its place, so that one row's value does not open in another's. On their way they are sealed to the
 * key of one device.
 *
 * A value is in clear only in this process's memory, between the request that sets it or the sending to a
 * device and the end of that.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppName, DeviceId } from '@wafer/protocol';
import { sealSecret } from '@wafer/protocol/sealing';
import { inArray } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { lock, unlock } from '../db/lock.ts';
import { writeSecretOnce } from '../db/secret-file.ts';
import { describePlace, type Place } from './secret.ts';
import { appSecrets } from './tables.ts';

const KEY_BYTES = 32;

/** An assignment that has secrets. */
interface Unsealed {
  readonly device: DeviceId;
  readonly app: AppName;
  /** The device's key; null when none is known. */
  readonly recipient: string | null;
  /** name → id of the value. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface Vault {
  /** The value as it may be stored, base64url. `id` is that of this value. */
  lock(value: Uint8Array, place: Place, id: string): string;
  /**
   * For each, name → sealed value; undefined where a value was replaced meanwhile. What cannot be read or
   * sealed is left out and logged.
   */
  seal(
    deps: Pick<Deps, 'db' | 'log'>,
    list: readonly Unsealed[],
  ): Promise<(Record<string, string> | undefined)[]>;
}

const boundTo = ({ app, scope, name }: Place, id: string): Buffer =>
  Buffer.from(JSON.stringify([app, scope, name, id]), 'utf8');

/** id → value; null for one that this key does not open, which is told. */
async function readValues(
  key: Buffer,
  { db, log }: Pick<Deps, 'db' | 'log'>,
  ids: readonly string[],
): Promise<Map<string, Buffer | null>> {
  const rows = await db
    .select()
    .from(appSecrets)
    .where(inArray(appSecrets.id, [...ids]));
  return new Map(
    rows.map(({ id, app, channel, name, locked }): [string, Buffer | null] => {
      const place = { app, scope: channel, name };
      try {
        return [id, unlock(key, locked, boundTo(place, id))];
      } catch {
        log.error({ app, secret: name }, `secrets.key does not open ${describePlace(place)}: set it again`);
        return [id, null];
      }
    }),
  );
}

/** name → sealed value, of those that can be read; none for a device whose key is not on record. */
function sealFor(
  { log }: Pick<Deps, 'log'>,
  { device, app, recipient, secrets }: Unsealed,
  values: ReadonlyMap<string, Buffer | null>,
): Record<string, string> {
  if (recipient === null) {
    log.error({ device, app }, 'no key of this device is on record, so it gets no secrets: enrol it anew');
    return {};
  }
  const sealed: Record<string, string> = {};
  for (const [name, id] of Object.entries(secrets)) {
    const value = values.get(id);
    if (value) sealed[name] = sealSecret(value, recipient, { device, app, name });
  }
  return sealed;
}

/** Reads the key, or makes it at the first start. Throws a TypeError when the file holds something else. */
export async function openVault(folder: string): Promise<Vault> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const make = (): string => randomBytes(KEY_BYTES).toString('base64');
  const key = Buffer.from(await writeSecretOnce(join(folder, 'secrets.key'), make), 'base64');
  // A new one in its place would make every secret unreadable.
  if (key.length !== KEY_BYTES) throw new TypeError('secrets.key holds no key; restore it from a backup');
  return {
    lock: (value, place, id) => lock(key, value, boundTo(place, id)),
    async seal(deps, list) {
      const ids = new Set(list.flatMap(({ secrets }) => Object.values(secrets)));
      const values =
        ids.size === 0 ? new Map<string, Buffer | null>() : await readValues(key, deps, [...ids]);
      return list.map((one) => {
        const isWhole = Object.values(one.secrets).every((id) => values.has(id));
        return isWhole ? sealFor(deps, one, values) : undefined;
      });
    },
  };
}
