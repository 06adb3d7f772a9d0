/**
 * MQTT in: a device asks for metadata, for a chunk or for the time, and gets one frame. Metadata is for every
 * device; a chunk only for one that was told to run the component, or of the director's keys, which
 * all must verify. A device that asks for more at a time than it may is told to wait.
 */
import {
  RESPONSE_BODY_BYTES,
  Request,
  deviceTopic,
  encodeFrame,
  type DeviceId,
  type Digest,
  type MetadataName,
  type ResponseHeader,
} from '@wafer/protocol';
import type { Chunk } from '@wafer/protocol/chunk';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import type { Incoming } from '../mqtt/bus.ts';
import { directorSigner } from './held.ts';
import { createHot } from './hot.ts';
import { newsFor } from './news.ts';
import { namedText, readChunk } from './store.ts';
import { together } from './together.ts';
import { signedTime } from './time.ts';

/** Requests of one device that may be under way. */
const MAX_IN_FLIGHT = 16;
const HOT_BYTES = 32 * 1024 * 1024;
/** A device that was allowed a component may fetch the rest of it without being looked up for each chunk. */
const ALLOWED_FOR_MS = 30_000;

type Answer = { header: ResponseHeader; body: Uint8Array };
type ErrorName = Extract<ResponseHeader, { status: 'error' }>['code'];

const NOTHING = new Uint8Array();
const Identified = z.object({ id: z.number().int().min(1) });

const failed = (id: number, code: ErrorName): Answer => ({
  header: { id, status: 'error', code },
  body: NOTHING,
});

/** Components that the server itself has told the device to run, now or before; not what it says it runs. */
async function wasTold(db: Deps['db'], device: DeviceId, digest: Digest): Promise<boolean> {
  const rows = await db.execute(sql`
    select 1 from releases
    where releases.digest = ${digest} and (
      exists (select 1 from assignments a
        where a.device = ${device} and a.app = releases.app and a.version = releases.version)
      or exists (select 1 from executions e
        where e.device = ${device} and e.app = releases.app and e.version = releases.version))
    limit 1`);
  return rows.length > 0;
}

/** Whether this is the content of director/keys.json, of which every device may need the newest or the one before. */
async function isDirector(db: Deps['db'], digest: Digest): Promise<boolean> {
  const rows = await db.execute(sql`
    select 1 from (
      select content from tuf_metadata where role = 'targets' order by version desc limit 2) as recent
    where content::jsonb #>> '{signed,targets,director/keys.json,hashes,sha256}' = ${digest}`);
  return rows.length > 0;
}

export class Responder {
  readonly #deps: Deps;
  readonly #chunks = createHot<Chunk>(HOT_BYTES);
  readonly #texts = createHot<Buffer>(HOT_BYTES);
  readonly #allowed = createHot<number>(10_000);
  readonly #inFlight = new Map<DeviceId, number>();
  readonly #named: (name: string) => Promise<string | undefined>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#named = together((name) => namedText(deps.db, name));
  }

  /** Rejects for a message that is no request; the bus counts it and drops it. */
  async handle({ device, payload }: Incoming): Promise<void> {
    const said: unknown = JSON.parse(payload.toString('utf8'));
    const { id } = Identified.parse(said);
    const count = this.#inFlight.get(device) ?? 0;
    if (count >= MAX_IN_FLIGHT) return this.#send(device, failed(id, 'busy'));
    this.#inFlight.set(device, count + 1);
    try {
      const request = Request.safeParse(said);
      await this.#send(
        device,
        request.success ? await this.#answer(device, request.data) : failed(id, 'invalid'),
      );
    } finally {
      const left = (this.#inFlight.get(device) ?? 1) - 1;
      if (left === 0) this.#inFlight.delete(device);
      else this.#inFlight.set(device, left);
    }
  }

  /** QoS 0: whoever asked asks again when nothing comes, and a late answer is of no use. */
  async #send(device: DeviceId, { header, body }: Answer): Promise<void> {
    await this.#deps.bus.publish(deviceTopic(device, 'response'), encodeFrame(header, body), { qos: 0 });
  }

  #answer(device: DeviceId, request: Request): Promise<Answer> {
    switch (request.want) {
      case 'metadata':
        return this.#metadata(request.id, request.name, request.offset);
      case 'news':
        return this.#news(request.id, request.known);
      case 'chunk':
        return this.#chunk(device, request.id, request.digest, request.index);
      case 'time':
        return this.#time(device, request.id, request.nonce);
    }
  }

  async #time(device: DeviceId, id: number, nonce: string): Promise<Answer> {
    const director = await directorSigner(this.#deps);
    const body = signedTime(device, nonce, this.#deps.clock.now(), director);
    return { header: { id, status: 'ok', encoding: 'identity' }, body };
  }

  async #metadata(id: number, name: MetadataName, offset: number): Promise<Answer> {
    const text = await this.#text(name);
    if (text === undefined) return failed(id, 'not-found');
    const body = text.subarray(offset, offset + RESPONSE_BODY_BYTES);
    return { header: { id, status: 'ok', total: text.length, encoding: 'identity' }, body };
  }

  async #news(id: number, known: Readonly<Record<string, number>>): Promise<Answer> {
    const { files, body } = await newsFor(new Map(Object.entries(known)), (name) => this.#text(name));
    return { header: { id, status: 'ok', files, encoding: 'identity' }, body };
  }

  /** All but timestamp.json never change once they are there. */
  async #text(name: MetadataName): Promise<Buffer | undefined> {
    const hot = this.#texts.get(name);
    if (hot !== undefined) return hot;
    const text = await this.#named(name);
    if (text === undefined) return undefined;
    const bytes = Buffer.from(text);
    if (name !== 'timestamp.json') this.#texts.set(name, bytes, bytes.length);
    return bytes;
  }

  async #chunk(device: DeviceId, id: number, digest: Digest, index: number): Promise<Answer> {
    if (!(await this.#mayFetch(device, digest))) return failed(id, 'forbidden');
    const key = `${digest}/${index}`;
    const chunk =
      this.#chunks.get(key) ??
      (index > 0x7fff_ffff ? undefined : await readChunk(this.#deps.db, digest, index));
    if (chunk === undefined) return failed(id, 'not-found');
    this.#chunks.set(key, chunk, chunk.bytes.length);
    return { header: { id, status: 'ok', encoding: chunk.encoding }, body: chunk.bytes };
  }

  async #mayFetch(device: DeviceId, digest: Digest): Promise<boolean> {
    const key = `${device}/${digest}`;
    const now = this.#deps.clock.now();
    if ((this.#allowed.get(key) ?? Number.NEGATIVE_INFINITY) > now) return true;
    const { db } = this.#deps;
    const allowed = (await wasTold(db, device, digest)) || (await isDirector(db, digest));
    if (allowed) this.#allowed.set(key, now + ALLOWED_FOR_MS, 1);
    return allowed;
  }
}
