/**
 * A device's JSON, parsed into what the protocol says or refused as request.invalid. Devices are not
 * trusted: nothing is believed about encoding, depth or size but what is checked here or before.
 */
import { WaferError } from '@wafer/protocol';
import type { z } from 'zod';

/** Escapes that JSON allows and Postgres cannot store: U+0000 and halves of a surrogate pair. */
const UNSTORABLE = /\\u(0000|d[89a-f])/i;

const storable = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\0', '\uFFFD').toWellFormed() : value;

/** Throws request.invalid with the first place that does not fit. */
export function parsePayload<T extends z.ZodType>(schema: T, payload: Buffer): z.output<T> {
  const text = payload.toString('utf8');
  let value: unknown;
  try {
    // The reviver walks everything, so it runs only where it has something to do.
    value = JSON.parse(text, UNSTORABLE.test(text) ? storable : undefined);
  } catch {
    throw new WaferError('request.invalid', 'the payload is no JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new WaferError(
    'request.invalid',
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit'}`,
  );
}
