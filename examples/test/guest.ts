/**
 * Runs an example component in this process, with a board made of files in memory: just enough host
 * to see what a guest reads and sends. Isolation is not what is tested here; the agent's tests do.
 */
import { $init, generate } from '@bytecodealliance/jco-transpile/component';
import { WASIShim } from '@bytecodealliance/preview2-shim/instantiation';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Path below the preopen, or '' for a preopen that is a file, to content. */
type Files = Readonly<Record<string, string>>;

export interface Board {
  /** Guest path to what is granted there. Files may change between calls. */
  readonly preopens: Record<string, Files>;
  readonly config?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Interfaces of the board's own hardware. */
  readonly hardware?: Readonly<Record<string, object>>;
}

export interface Guest {
  readonly exports: Record<string, Record<string, (...args: unknown[]) => unknown>>;
  readonly sent: { topic: string; json: unknown }[];
  /** A message for its handler. */
  readonly message: (text: string, topic?: string) => object;
}

/** The part of wasi:filesystem's descriptor that the examples use. */
class Descriptor {
  readonly #files: () => Files;
  readonly #path: string;

  constructor(files: () => Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  getType(): string {
    return this.#files()[this.#path] === undefined ? 'directory' : 'regular-file';
  }

  openAt(
    _follow: object,
    path: string,
    _open: object,
    flags: { read?: boolean; write?: boolean },
  ): Descriptor {
    if (flags.write) throw 'read-only';
    if (this.#files()[path] === undefined) throw 'no-entry';
    return new Descriptor(this.#files, path);
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const bytes = Buffer.from(this.#files()[this.#path] ?? '', 'utf8').subarray(Number(offset));
    return [bytes.subarray(0, Number(length)), bytes.length <= Number(length)];
  }
}

/** The examples list no folder; the engine only wants the name to be there. */
class DirectoryEntryStream {
  readDirectoryEntry(): undefined {
    return undefined;
  }
}

class Client {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  static connect(name: string): Client {
    return new Client(name);
  }
}

class Message {
  readonly #data: Uint8Array;
  readonly #topic: string | undefined;
  constructor(data: Uint8Array, topic?: string) {
    this.#data = data;
    this.#topic = topic;
  }
  topic(): string | undefined {
    return this.#topic;
  }
  data(): Uint8Array {
    return this.#data;
  }
}

function hostFor({ preopens, config = {}, environment = {}, hardware = {} }: Board, sent: Guest['sent']) {
  const granted = () =>
    Object.entries(preopens).map(([path]) => [new Descriptor(() => preopens[path] ?? {}, ''), path]);
  return {
    ...new WASIShim().getImportObject(),
    'wasi:cli/environment': {
      getEnvironment: () => Object.entries(environment),
      getArguments: () => [],
      initialCwd: () => undefined,
    },
    'wasi:filesystem/preopens': { getDirectories: granted },
    'wasi:filesystem/types': {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode: () => undefined,
    },
    'wasi:messaging/types': { Client, Message },
    'wasi:messaging/producer': {
      send: (_client: Client, topic: string, message: Message) => {
        sent.push({ topic, json: JSON.parse(Buffer.from(message.data()).toString('utf8')) as unknown });
      },
    },
    ...hardware,
    'wasi:config/store': { get: (key: string) => config[key], getAll: () => Object.entries(config) },
  };
}

/** Runs `component` with `board`; what it publishes is in `sent`. */
export async function startGuest(component: string, board: Board): Promise<Guest> {
  await $init;
  const { files } = generate(await readFile(component), {
    name: 'guest',
    instantiation: { tag: 'async' },
    noTypescript: true,
  });
  const folder = await mkdtemp(join(tmpdir(), 'wafer-example-'));
  for (const [name, content] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const { instantiate } = (await import(join(folder, 'guest.js'))) as {
    instantiate: (getCore: (name: string) => Promise<object>, host: object) => Promise<Guest['exports']>;
  };
  const sent: Guest['sent'] = [];
  const compile = async (name: string) => new WebAssemblyModule(await readFile(join(folder, name)));
  const exports = await instantiate(compile, hostFor(board, sent));
  await rm(folder, { recursive: true });
  return { exports, sent, message: (text, topic) => new Message(Buffer.from(text), topic) };
}

const WebAssemblyModule = (
  globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => object } }
).WebAssembly.Module;
