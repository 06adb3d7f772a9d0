/** The server follows its own chain: every hash, every signature, and the head that was written down. */
import { CHAIN_START, followChain, type AuditHead, type AuditVerification } from '@wafer/protocol';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Keeper } from './keeper.ts';
import { countUnsealed, readChain } from './store.ts';

const PAGE = 1000;

type Found = Pick<AuditVerification, 'head' | 'broken'>;

export async function verifyChain(
  db: PostgresJsDatabase,
  keeper: Keeper,
): Promise<Omit<AuditVerification, 'at'>> {
  const anchor = await keeper.readAnchor();
  const found = await follow(db, keeper, anchor);
  return { ...found, unsealed: await countUnsealed(db) };
}

async function follow(db: PostgresJsDatabase, keeper: Keeper, anchor: AuditHead | undefined): Promise<Found> {
  let head = CHAIN_START;
  let isSigned = true;
  for (;;) {
    const page = await readChain(db, head.seq, PAGE);
    for (const event of page) {
      const step = followChain(head, event, keeper.publicKey);
      if ('broken' in step) return { head, broken: step.broken };
      head = step.head;
      isSigned = event.signature !== null;
      if (anchor?.seq === head.seq && anchor.hash !== head.hash)
        return {
          head,
          broken: { seq: head.seq, event: event.id, reason: 'it is not the head that the server wrote down' },
        };
    }
    if (page.length < PAGE) break;
  }
  return { head, broken: brokenEnd(head, isSigned, anchor) };
}

/** A chain that was cut short is whole up to its end. */
function brokenEnd(head: AuditHead, isSigned: boolean, anchor: AuditHead | undefined): Found['broken'] {
  if (anchor !== undefined && anchor.seq > head.seq)
    return {
      seq: head.seq + 1,
      event: null,
      reason: `it ends, but the server wrote down a head at ${anchor.seq}`,
    };
  if (!isSigned) return { seq: head.seq, event: null, reason: 'its end is not signed by the server' };
  return null;
}
