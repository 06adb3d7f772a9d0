/**
 * Faults that repeat, folded: each kind and subject of an app is told when it first happens, and from then
 * on once a minute with how often it happened. A guest can make up subjects without end; only some are told
 * apart, the others of their kind are counted together.
 */
import type { AppName, Fault, Version } from '@wafer/protocol';

const MINUTE_MS = 60_000;
/** Subjects of one kind and app that are told apart. */
const MAX_SUBJECTS = 8;
const MAX_ENTRIES = 1024;
export interface FaultTold {
  readonly app: AppName | undefined;
  readonly version: Version | undefined;
  readonly fault: Fault;
}

interface Entry {
  readonly group: string;
  /** As it happened last. */
  what: FaultTold;
  /** Since it was told last. */
  count: number;
  toldAt: number;
}

export class FaultFold {
  readonly #entries = new Map<string, Entry>();
  readonly #subjects = new Map<string, number>();
  #lastApp: AppName | undefined;

  /** True when nothing like it was known of the last minute. */
  add(what: FaultTold, count: number): boolean {
    const { app, version, fault } = what;
    const group = JSON.stringify([app, version, fault.kind]);
    const entry = this.#entries.get(`${group} ${fault.subject}`);
    if (entry !== undefined) {
      entry.what = what;
      entry.count += count;
      return false;
    }
    const folded = { ...what, fault: { ...fault, subject: OTHERS } };
    const isFull = this.#entries.size >= MAX_ENTRIES;
    if (isFull && app !== undefined)
      return this.add({ ...folded, app: undefined, version: undefined }, count);
    const isCrowded = (this.#subjects.get(group) ?? 0) >= MAX_SUBJECTS;
    if ((isCrowded || isFull) && fault.subject !== OTHERS) return this.add(folded, count);
    this.#entries.set(`${group} ${fault.subject}`, { group, what, count, toldAt: -Infinity });
    this.#subjects.set(group, (this.#subjects.get(group) ?? 0) + 1);
    return true;
  }

  /** What is due to be told, with how often it happened; apps take turns. Undefined when nothing is. */
  take(now: number): (FaultTold & { readonly count: number }) | undefined {
    this.#forget(now);
    const due = [...this.#entries.values()].filter(
      ({ count, toldAt }) => count > 0 && now - toldAt >= MINUTE_MS,
    );
    const entry = due.find(({ what }) => what.app !== this.#lastApp) ?? due[0];
    if (entry === undefined) return undefined;
    const { what, count } = entry;
    entry.count = 0;
    entry.toldAt = now;
    this.#lastApp = what.app;
    return { ...what, count };
  }

  /** What was told, and did not happen again for a minute, is news when it comes back. */
  #forget(now: number): void {
    for (const [key, { group, count, toldAt }] of this.#entries) {
      if (count > 0 || now - toldAt < MINUTE_MS) continue;
      this.#entries.delete(key);
      const left = (this.#subjects.get(group) ?? 1) - 1;
      if (left === 0) this.#subjects.delete(group);
      else this.#subjects.set(group, left);
    }
  }
}

/** Stands for the subjects that are not told apart. */
const OTHERS = 'others';
