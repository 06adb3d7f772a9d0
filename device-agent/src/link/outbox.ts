/**
 * Reports that the server has not committed yet, on disk. Numbers run from 1 without gaps for the
 * life of the identity; a report is sent only after it is fsynced, again after every connect, and
 * forgotten only when an `ack` says that Postgres has it (a PUBACK says nothing of the kind).
 *
 * The file holds one record a line, `<CRC-32, 8 hex digits> <JSON>`: a report, or the number up to
 * which all is acknowledged. A torn or rotten line ends what is believed: a record is sent only
 * after its fsync, so a torn tail was never seen by anyone and its number is free again.
 *
 * An `ack` beyond what was numbered here means that this file was lost while the server kept
 * count: what waits is numbered anew behind it, or the server would take it for repeats.
 */
import { mkdir, open, readFile, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Report, type ReportEvent } from '@wafer/protocol';
import { z } from 'zod';
import { replaceFile, syncFolder } from '../state/durable.ts';

const Line = z.union([Report, z.strictObject({ acked: z.number().int().min(0) })]);
type Line = z.infer<typeof Line>;

/** The file is rewritten when it has grown beyond this and most of it is acknowledged. */
const COMPACT_BYTES = 128 * 1024;

const encode = (line: Line): string => {
  const json = JSON.stringify(line);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
};

/** The records before the first line that is torn, rotten or out of order. */
export function decodeOutbox(text: string): { acked: number; pending: Report[]; wholeBytes: number } {
  let acked = 0;
  let pending: Report[] = [];
  let wholeBytes = 0;
  for (const raw of text.split('\n').slice(0, -1)) {
    const line = decodeLine(raw);
    if (line === undefined) break;
    if ('acked' in line) {
      acked = Math.max(acked, line.acked);
      pending = pending.filter((report) => report.number > acked);
    } else {
      if (line.number !== (pending.at(-1)?.number ?? acked) + 1) break;
      pending.push(line);
    }
    wholeBytes += Buffer.byteLength(raw) + 1;
  }
  return { acked, pending, wholeBytes };
}

function decodeLine(raw: string): Line | undefined {
  const json = raw.slice(9);
  if (raw[8] !== ' ' || crc32(json) !== Number.parseInt(raw.slice(0, 8), 16)) return undefined;
  try {
    return Line.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}

/** The outbox as the rest of the agent sees it. */
export type Reports = Pick<Outbox, 'acked' | 'pending' | 'append' | 'ack' | 'close'>;

/** Where the lines are kept. */
export interface Ledger {
  /** Rejects when the disk refuses; then a part of it may be there. */
  append(line: string): Promise<void>;
  /** What was appended outlives the power. */
  sync(): Promise<void>;
  size(): Promise<number>;
  /** All lines anew, whole or not at all. */
  replace(lines: string): Promise<void>;
  close(): Promise<void>;
}

class LedgerFile implements Ledger {
  readonly #path: string;
  #file: FileHandle;

  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  append(line: string): Promise<void> {
    return this.#file.appendFile(line);
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  async size(): Promise<number> {
    return (await stat(this.#path)).size;
  }

  async replace(lines: string): Promise<void> {
    await replaceFile(this.#path, lines);
    await this.#file.close();
    this.#file = await open(this.#path, 'a', 0o600);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export class Outbox {
  readonly #ledger: Ledger;
  #acked: number;
  #pending: Report[];
  #durable: number;
  #work: Promise<void> = Promise.resolve();
  /** A write failed half-way, so nothing may be appended behind it. */
  #torn = false;

  private constructor(ledger: Ledger, acked: number, pending: Report[]) {
    this.#ledger = ledger;
    this.#acked = acked;
    this.#pending = pending;
    this.#durable = acked + pending.length;
  }

  static async open(folder: string): Promise<Outbox> {
    const path = join(folder, 'outbox');
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const text = await readFile(path, 'utf8').catch(() => '');
    const { acked, pending, wholeBytes } = decodeOutbox(text);
    const file = await open(path, 'a', 0o600);
    if (wholeBytes < Buffer.byteLength(text)) await file.truncate(wholeBytes);
    await syncFolder(folder);
    return new Outbox(new LedgerFile(path, file), acked, pending);
  }

  /** On another ledger, which holds the reports after number `acked`. */
  static over(ledger: Ledger, acked: number, pending: readonly Report[]): Outbox {
    return new Outbox(ledger, acked, [...pending]);
  }

  get acked(): number {
    return this.#acked;
  }

  /** What may be sent: on disk and not acknowledged, in order. */
  get pending(): readonly Report[] {
    return this.#pending.filter((report) => report.number <= this.#durable);
  }

  /**
   * Numbers the event at once; resolves when it is on disk. Where the disk refuses, it rejects, but
   * the report stays queued and is sent all the same: a full disk must not silence the board.
   */
  append(event: ReportEvent): Promise<Report> {
    const report: Report = { number: this.#acked + this.#pending.length + 1, event };
    this.#pending.push(report);
    return this.#enqueue(async () => {
      try {
        // Renumbering may have replaced it meanwhile; then the rewritten file holds it already.
        if (this.#durable < report.number && this.#pending.includes(report)) {
          await this.#write(encode(report));
          await this.#ledger.sync();
        }
      } finally {
        this.#durable = Math.max(this.#durable, Math.min(report.number, this.#last));
      }
      return report;
    });
  }

  /** Everything up to `number` is in Postgres. Resolves when that is noted. */
  ack(number: number): Promise<void> {
    if (number > this.#last) return this.#renumberAfter(number);
    if (number <= this.#acked) return Promise.resolve();
    this.#acked = number;
    this.#pending = this.#pending.filter((report) => report.number > number);
    return this.#enqueue(async () => {
      // Not fsynced: losing it only sends some reports twice, and twice counts once.
      await this.#write(encode({ acked: number }));
      if ((await this.#ledger.size()) > COMPACT_BYTES && this.#durable === this.#last) await this.#rewrite();
    });
  }

  async close(): Promise<void> {
    await this.#work;
    await this.#ledger.close();
  }

  get #last(): number {
    return this.#acked + this.#pending.length;
  }

  #renumberAfter(number: number): Promise<void> {
    this.#acked = number;
    this.#pending = this.#pending.map(({ event }, index) => ({ number: number + index + 1, event }));
    this.#durable = number;
    return this.#enqueue(() => this.#rewrite());
  }

  async #write(line: string): Promise<void> {
    if (this.#torn) {
      await this.#rewrite();
      return;
    }
    try {
      await this.#ledger.append(line);
    } catch (error) {
      this.#torn = true;
      throw error;
    }
  }

  async #rewrite(): Promise<void> {
    const last = this.#last;
    const lines = [encode({ acked: this.#acked }), ...this.#pending.map(encode)];
    await this.#ledger.replace(lines.join(''));
    this.#torn = false;
    this.#durable = Math.max(this.#durable, last);
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#work.then(task);
    this.#work = done.then(
      () => {},
      () => {},
    );
    return done;
  }
}
