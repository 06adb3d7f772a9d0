/**
 * The agent as something that a fleet ships to itself: the release of the reserved app `wafer-agent`.
 * It is the very tarball that people install, gzip of ustar:
 *
 *     wafer-agent-<version>/wafer-agent.json    { wafer: 'agent', format: 1, version, node }, first
 *     wafer-agent-<version>/bin/wafer-agent     the starter, which is never taken from a release
 *     wafer-agent-<version>/lib/…               the agent
 *
 * Three read it: the CLI before it signs, the server before it accepts, the agent before it unpacks. All of
 * them hold what it is made of to be hostile: plain files and folders, names that stay within, bounded sizes.
 * Not part of the index: browsers have no zlib.
 */
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { WaferError } from './errors.ts';
import { Version } from './ids.ts';

/** Its first file. */
export const AGENT_MANIFEST = 'wafer-agent.json';

export const AgentManifest = z.strictObject({
  wafer: z.literal('agent'),
  format: z.literal(1),
  version: Version,
  /** Lowest Node that runs it. */
  node: z.string().regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}$/),
});
export type AgentManifest = z.infer<typeof AgentManifest>;

export interface BundledFile {
  /** Within the bundle's one folder, such as `lib/agent.cjs`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly isExecutable: boolean;
}

export interface AgentBundle {
  readonly manifest: AgentManifest;
  readonly files: readonly BundledFile[];
}

const MAX_UNPACKED_BYTES = 96 * 1024 * 1024;
const MAX_FILES = 1000;
const BLOCK = 512;

/** What no path says that stays within the folder. */
const PLAIN_PATH = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;

/** What an agent cannot start without. */
const NEEDED = ['lib/cli.cjs', 'lib/agent.cjs'];

/** By its first bytes, those of gzip (RFC 1952, 2.3.1). */
export const isAgentBundle = (head: Uint8Array): boolean => head[0] === 0x1f && head[1] === 0x8b;

const refuse = (what: string): never => {
  throw new WaferError('component.unsupported', `it is no bundle of an agent: ${what}`);
};

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).split('\0', 1)[0] ?? '';

/** Octal digits, as ustar writes numbers. */
function octal(bytes: Uint8Array): number {
  const digits = text(bytes).trim();
  return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : refuse('a number in it is damaged');
}

interface Entry {
  readonly path: string;
  readonly kind: 'file' | 'folder';
  readonly mode: number;
  readonly size: number;
}

/** One header of POSIX.1-1988 ustar; undefined where the archive ends. */
function readHeader(header: Uint8Array): Entry | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (octal(header.subarray(148, 156)) !== sum) refuse('a header of it is damaged');
  const prefix = text(header.subarray(345, 500));
  const name = text(header.subarray(0, 100));
  const path = (prefix === '' ? name : `${prefix}/${name}`).replace(/\/$/, '');
  const type = String.fromCharCode(header[156] ?? 0);
  if (type !== '0' && type !== '5') refuse(`${path} is neither a file nor a folder`);
  if (!PLAIN_PATH.test(path)) refuse(`it holds the name ${JSON.stringify(path)}`);
  return {
    path,
    kind: type === '5' ? 'folder' : 'file',
    mode: octal(header.subarray(100, 108)),
    size: type === '5' ? 0 : octal(header.subarray(124, 136)),
  };
}

function unpack(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Throws component.unsupported, with the reason. */
export function readAgentBundle(bytes: Uint8Array): AgentBundle {
  if (!isAgentBundle(bytes)) refuse('it does not begin as gzip does');
  const archive = unpack(bytes);
  const files = new Map<string, BundledFile>();
  let root: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length;) {
    const entry = readHeader(archive.subarray(at, at + BLOCK));
    if (entry === undefined) break;
    at += BLOCK;
    const [top = '', ...rest] = entry.path.split('/');
    root ??= top;
    if (top !== root) refuse(`${entry.path} lies outside of ${root}`);
    const content = archive.subarray(at, at + entry.size);
    if (content.length !== entry.size) refuse('it ends too early');
    at += Math.ceil(entry.size / BLOCK) * BLOCK;
    if (entry.kind === 'folder') continue;
    const path = rest.join('/');
    if (path === '' || files.has(path)) refuse(`${entry.path} is there twice, or is the folder itself`);
    files.set(path, { path, bytes: content, isExecutable: (entry.mode & 0o100) !== 0 });
    if (files.size > MAX_FILES) refuse(`it holds more than ${MAX_FILES} files`);
  }
  return { manifest: manifestOf(files), files: [...files.values()] };
}

function manifestOf(files: ReadonlyMap<string, BundledFile>): AgentManifest {
  const file = files.get(AGENT_MANIFEST) ?? refuse(`${AGENT_MANIFEST} is missing`);
  let said: unknown;
  try {
    said = JSON.parse(new TextDecoder().decode(file.bytes));
  } catch {
    return refuse(`${AGENT_MANIFEST} is damaged`);
  }
  const parsed = AgentManifest.safeParse(said);
  for (const path of NEEDED) if (!files.has(path)) refuse(`${path} is missing`);
  return parsed.success
    ? parsed.data
    : refuse(`${AGENT_MANIFEST} says what this version does not understand`);
}
