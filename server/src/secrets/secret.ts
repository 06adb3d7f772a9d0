/** What may be set, as pure rules. */
import {
  MAX_SECRETS,
  MAX_SECRETS_BYTES,
  MAX_SECRET_BYTES,
  WaferError,
  type AppName,
  type ChannelName,
  type SecretName,
  type SecretView,
} from '@wafer/protocol';
import type { appSecrets } from './tables.ts';

/** Which devices a value is for: those that run the app by this channel, or `*`, all others. */
export type Scope = ChannelName | '*';

export const scopeOf = (channel: ChannelName | undefined): Scope => channel ?? '*';
export const channelOf = (scope: Scope): ChannelName | null => (scope === '*' ? null : scope);

/** A value that is set, without the value. */
export type SecretRow = Omit<typeof appSecrets.$inferSelect, 'locked'>;

/** Where a value stands; one is set there at most. */
export interface Place {
  readonly app: AppName;
  readonly scope: Scope;
  readonly name: SecretName;
}

export const describePlace = ({ app, scope, name }: Place): string =>
  scope === '*' ? `${name} of ${app}` : `${name} of ${app} on ${scope}`;

/** The bytes that somebody sent. */
export const valueOf = ({
  text,
  base64,
}: {
  text?: string | undefined;
  base64?: string | undefined;
}): Buffer => (text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text, 'utf8'));

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, one) => total + one, 0);

/**
 * Throws secret.too-large or secret.too-many when `bytes` more do not fit beside what the app has. A name
 * with values on several channels counts once, with the largest: a device gets one of them.
 */
export function mustFit(held: readonly SecretRow[], { app, scope, name }: Place, bytes: number): void {
  if (bytes > MAX_SECRET_BYTES)
    throw new WaferError(
      'secret.too-large',
      `The value has ${bytes} bytes; ${MAX_SECRET_BYTES} may travel to devices.`,
    );
  const largest = new Map<string, number>([[name, bytes]]);
  for (const row of held)
    if (row.name !== name || row.channel !== scope)
      largest.set(row.name, Math.max(largest.get(row.name) ?? 0, row.bytes));
  if (largest.size > MAX_SECRETS)
    throw new WaferError('secret.too-many', `${app} has ${MAX_SECRETS} secrets already. Remove one first.`);
  const total = sum(largest.values());
  if (total > MAX_SECRETS_BYTES)
    throw new WaferError(
      'secret.too-large',
      `With it the secrets of ${app} would have ${total} bytes; ${MAX_SECRETS_BYTES} may travel to devices.`,
    );
}

export const viewOf = ({ app, channel, name, set, by }: SecretRow): SecretView => ({
  app,
  name,
  channel: channelOf(channel),
  set: set.toISOString(),
  by,
});
