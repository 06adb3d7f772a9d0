/**
 * The chain of audit events, followed on this machine: pages are asked for one after the other and
 * every hash and signature is computed here, so the server's word is not taken. A head that was noted
 * earlier, by an earlier run, makes this machine a witness that a server cannot talk round.
 */
import { CHAIN_START, followChain, type AuditHead, type AuditStatus, type ChainBreak } from '@wafer/protocol';
import type { AuditEventView } from '@wafer/protocol';

const PAGE = 1000;

interface Source {
  auditStatus(): Promise<AuditStatus>;
  auditChain(after: number, limit: number): Promise<readonly AuditEventView[]>;
}

export interface Checked {
  readonly events: number;
  readonly head: AuditHead;
  readonly key: string;
  readonly broken: ChainBreak | null;
}

/** `noted` is a head that the chain must hold; `key` the key that must have signed it. */
export async function checkChain(
  source: Source,
  { noted, key: expected }: { noted?: AuditHead | undefined; key?: string | undefined },
): Promise<Checked> {
  // Of before the walk: what is sealed meanwhile only makes the chain longer.
  const { key, anchor, head: promised } = await source.auditStatus();
  let head = CHAIN_START;
  let isSigned = true;
  const end = (broken: ChainBreak | null): Checked => ({ events: head.seq, head, key, broken });
  if (expected !== undefined && expected !== key)
    return end({ seq: 1, event: null, reason: `the server signs with the key ${key}, not ${expected}` });
  const held = [noted, anchor, promised].filter((each) => each != null);
  for (;;) {
    const page = await source.auditChain(head.seq, PAGE);
    for (const event of page) {
      const step = followChain(head, event, key);
      if ('broken' in step) return end(step.broken);
      head = step.head;
      isSigned = event.signature !== null;
      const other = held.find(({ seq, hash }) => seq === head.seq && hash !== head.hash);
      if (other !== undefined)
        return end({ ...head, event: event.id, reason: `it was ${other.hash} when it was noted` });
    }
    if (page.length < PAGE) break;
  }
  const beyond = held.find(({ seq }) => seq > head.seq);
  if (beyond !== undefined)
    return end({
      seq: head.seq + 1,
      event: null,
      reason: `it ends there, and a head at ${beyond.seq} was noted`,
    });
  if (!isSigned) return end({ seq: head.seq, event: null, reason: 'its end is not signed' });
  return end(null);
}
