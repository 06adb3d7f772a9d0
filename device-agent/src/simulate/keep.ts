/**
 * A simulated fleet on disk, so that a second run is the same fleet.
 *
 *     devices.jsonl   one line for each enrolment and renewal: number, name, key, certificate, root
 *     server.json     what all of them have in common: server, broker, CA
 *     state.json      what the devices held when the fleet ended in good order; absent after it did not
 *     blobs/          components, as on a board
 *
 * A fleet that was cut off starts with its identities and nothing else, like boards whose disks were
 * replaced: the server's acknowledgements tell each where its numbers go on.
 */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppName, DeviceId, Report, Timestamp } from '@wafer/protocol';
import { z } from 'zod';
import type { Claimed } from '../link/enrol.ts';
import type { Identity } from '../link/identity.ts';
import { replaceFile } from '../state/durable.ts';
import { EMPTY_JOURNAL, JournalState } from '../state/journal.ts';
import type { Files } from '../trust/chain.ts';
import type { Kept } from './device.ts';

const Line = z.strictObject({
  index: z.number().int().min(0),
  device: DeviceId,
  enrolled: Timestamp,
  key: z.string(),
  certificate: z.string(),
  /** SHA-256 of the root that it was given. */
  root: z.string(),
});
type Line = z.infer<typeof Line>;

const Server = z.strictObject({
  server: z.string(),
  broker: z.strictObject({ host: z.string(), port: z.number().int() }),
  ca: z.string(),
  /** SHA-256 → root, as signed. */
  roots: z.record(z.string(), z.string()),
});
type Server = z.infer<typeof Server>;

const State = z.strictObject({
  /** Content of metadata files, base64; devices name them by position. */
  metadata: z.array(z.string()),
  devices: z.record(
    z.string(),
    z.strictObject({
      journal: JournalState,
      floors: z.partialRecord(AppName, z.number().int()),
      verified: z.strictObject({
        files: z.array(z.tuple([z.string(), z.number().int()])),
        verifiedAt: z.number().optional(),
      }),
      acked: z.number().int(),
      pending: z.array(Report),
    }),
  ),
});
type State = z.infer<typeof State>;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export class FleetFolder {
  readonly path: string;
  readonly #lines = new Map<number, Line>();
  #server: Server | undefined;
  #states = new Map<number, Kept>();

  private constructor(path: string) {
    this.path = path;
  }

  static async open(path: string): Promise<FleetFolder> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const folder = new FleetFolder(path);
    await folder.#read();
    return folder;
  }

  /** Where the fleet was enrolled; undefined for a new one. */
  get server(): string | undefined {
    return this.#server?.server;
  }

  has(index: number): boolean {
    return this.#lines.has(index);
  }

  identity(index: number): Identity {
    const line = this.#lines.get(index);
    if (line === undefined || this.#server === undefined) throw new Error(`device ${index} is not enrolled`);
    const { device, enrolled, key, certificate } = line;
    const { server, broker, ca } = this.#server;
    return { device, server, broker, enrolled, key, certificate, ca };
  }

  /** What the device held when the fleet ended; the root alone when that is not known. */
  kept(index: number): Kept {
    const root = this.#server?.roots[this.#lines.get(index)?.root ?? ''] ?? '';
    const files: Files = new Map([['root', Buffer.from(root)]]);
    const fresh = { journal: EMPTY_JOURNAL, floors: {}, acked: 0, pending: [] };
    return this.#states.get(index) ?? { ...fresh, verified: { files, verifiedAt: undefined } };
  }

  async add(index: number, { identity, root }: Claimed): Promise<void> {
    const { device, enrolled, key, certificate, server, broker, ca } = identity;
    const digest = sha256(root);
    if (this.#server?.roots[digest] === undefined) {
      this.#server = { server, broker, ca, roots: { ...this.#server?.roots, [digest]: root } };
      await replaceFile(join(this.path, 'server.json'), JSON.stringify(this.#server));
    }
    await this.#append({ index, device, enrolled, key, certificate, root: digest });
  }

  async renewed(index: number, certificate: string): Promise<void> {
    const line = this.#lines.get(index);
    if (line !== undefined) await this.#append({ ...line, certificate });
  }

  /** The fleet has ended, and this is what each device held. */
  async end(devices: ReadonlyMap<number, Kept>): Promise<void> {
    await replaceFile(join(this.path, 'state.json'), JSON.stringify(encode(devices)));
  }

  async #append(line: Line): Promise<void> {
    this.#lines.set(line.index, line);
    await appendFile(join(this.path, 'devices.jsonl'), `${JSON.stringify(line)}\n`, { mode: 0o600 });
  }

  async #read(): Promise<void> {
    const server = await readIfThere(join(this.path, 'server.json'));
    if (server !== undefined) this.#server = Server.parse(JSON.parse(server));
    const lines = ((await readIfThere(join(this.path, 'devices.jsonl'))) ?? '').split('\n');
    // A line that was being written when the power went has no end.
    for (const text of lines.slice(0, -1)) {
      const line = Line.parse(JSON.parse(text));
      this.#lines.set(line.index, line);
    }
    const path = join(this.path, 'state.json');
    const state = await readIfThere(path);
    if (state === undefined) return;
    this.#states = decode(State.parse(JSON.parse(state)));
    // From now on it is not what they hold any more.
    await rm(path);
  }
}

/** Devices that hold the same metadata name the same content. */
function encode(devices: ReadonlyMap<number, Kept>): State {
  const metadata: string[] = [];
  const places = new Map<string, number>();
  const place = (bytes: Buffer): number => {
    const content = bytes.toString('base64');
    const known = places.get(content) ?? metadata.push(content) - 1;
    places.set(content, known);
    return known;
  };
  const listed = [...devices].map(([index, { verified, pending, floors, ...rest }]) => {
    const { files, verifiedAt } = verified;
    const named = [...files].map(([role, bytes]): [string, number] => [role, place(bytes)]);
    const when = verifiedAt === undefined ? {} : { verifiedAt };
    return [index, { ...rest, floors, pending: [...pending], verified: { files: named, ...when } }];
  });
  return { metadata, devices: Object.fromEntries(listed) as State['devices'] };
}

function decode({ metadata, devices }: State): Map<number, Kept> {
  const contents = metadata.map((content) => Buffer.from(content, 'base64'));
  const shared = new Map<string, Files>();
  return new Map(
    Object.entries(devices).map(([index, { verified, ...rest }]): [number, Kept] => {
      const key = JSON.stringify(verified.files);
      const files =
        shared.get(key) ??
        new Map(verified.files.map(([role, at]) => [role, contents[at] ?? Buffer.alloc(0)]));
      shared.set(key, files);
      return [Number(index), { ...rest, verified: { files, verifiedAt: verified.verifiedAt } }];
    }),
  );
}
