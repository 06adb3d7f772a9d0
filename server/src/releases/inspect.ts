/**
 * What an uploaded component really imports and exports, and of which version an agent's bundle is. Its bytes come from outside, and the
 * parser is known to panic on some: it runs in a child process without environment, one at a time,
 * with a limit on time and output.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  Seconds,
  WaferError,
  readWorld,
  worldOf,
  type ComponentWorld,
  type Version,
  type World,
} from '@wafer/protocol';
import { AgentManifest, isAgentBundle } from '@wafer/protocol/agent-bundle';

const CHILD = fileURLToPath(new URL('./inspect-child.ts', import.meta.url));
const TIME_LIMIT = Seconds(20);
const OUTPUT_LIMIT_BYTES = 2 * 1024 * 1024;

export interface Inspection extends ComponentWorld {
  readonly world: World;
  /** What an agent's bundle says that it is. */
  readonly version?: Version;
}

export const isWasm = (head: Uint8Array): boolean =>
  head.length >= 4 && head[0] === 0 && head[1] === 0x61 && head[2] === 0x73 && head[3] === 0x6d;

const unsupported = (detail: string): WaferError => new WaferError('component.unsupported', detail);

let last: Promise<unknown> = Promise.resolve();

/** Throws component.not-wasm, or component.unsupported with the reason. */
export function inspect(bytes: Uint8Array): Promise<Inspection> {
  const mine = last.then(() => inspectNow(bytes));
  last = mine.catch(() => undefined);
  return mine;
}

async function inspectNow(bytes: Uint8Array): Promise<Inspection> {
  if (isAgentBundle(bytes)) {
    const { version } = AgentManifest.parse(JSON.parse(await readInChild(bytes, 'agent')));
    return { imports: [], exports: [], world: 'agent', version };
  }
  if (!isWasm(bytes)) throw new WaferError('component.not-wasm', 'The bytes do not begin with \\0asm.');
  // The fourth pair of bytes is the layer: 0 a core module, 1 a component (component-model, Binary.md).
  if (bytes[6] !== 1)
    throw unsupported(
      'This is a core module. Adapt it to a component first; `wafer publish` does so for preview 1.',
    );
  const found = readWorld(await readInChild(bytes));
  if (found === undefined) throw unsupported('The component has no world.');
  const world = worldOf(found.exports);
  if (world === undefined)
    throw unsupported(
      `It exports ${found.exports.join(', ') || 'nothing'}; what runs here exports wafer:app/lifecycle@0.1.0 or wasi:cli/run@0.2.`,
    );
  return { ...found, world };
}

function readInChild(bytes: Uint8Array, ...args: 'agent'[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--max-old-space-size=512', CHILD, ...args], {
      env: {},
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: TIME_LIMIT,
      killSignal: 'SIGKILL',
    });
    const out: Buffer[] = [];
    let outBytes = 0;
    let said = '';
    child.stdout.on('data', (piece: Buffer) => {
      outBytes += piece.length;
      if (outBytes > OUTPUT_LIMIT_BYTES) child.kill('SIGKILL');
      else out.push(piece);
    });
    child.stderr.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(0, 500)));
    child.stdin.on('error', () => undefined); // it ended before it read all; `close` tells why
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else if (signal !== null)
        reject(unsupported('The component could not be read within the limits of time and size.'));
      else
        reject(
          unsupported(
            `The component could not be read: ${said.split('\n').slice(0, 2).join(' ') || `exit ${code}`}.`,
          ),
        );
    });
    child.stdin.end(bytes);
  });
}
