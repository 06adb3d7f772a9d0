/**
 * What a guest's own code costs: four kernels in a component, run by the app host, against the same
 * source compiled natively with `clang -O2`. Each figure is a ratio of times; native is 1 and the limit.
 * The guest is compiled with 128-bit SIMD, which native code has without asking; the peer is the same
 * guest without.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AgentHost } from './agent.ts';
import { median, type Result } from './report.ts';

const run = promisify(execFile);
const SOURCES = fileURLToPath(new URL('../exec/', import.meta.url));
const ROUNDS = 7;
const GUESTS = ['simd', 'scalar'] as const;

/** Repetitions that take some tens of milliseconds: the call itself is lost in them. */
const KERNELS = [
  { name: 'fft', letter: 'f', rounds: 100 },
  { name: 'crc', letter: 'c', rounds: 60 },
  { name: 'json', letter: 'j', rounds: 200 },
  { name: 'filter', letter: 'l', rounds: 60 },
] as const;

const COMMON = ['-O2', '-ffp-contract=off', '-Wall', '-Wextra', '-Werror'];
const WASM = ['--target=wasm32', '-ffreestanding', '-nostdlib', '-mbulk-memory', '-Wl,--no-entry'];

/** Rejects where clang or its linker for WebAssembly is not installed. */
async function build(folder: string): Promise<void> {
  const to = (name: string): string[] => ['-o', join(folder, name)];
  const guest = join(SOURCES, 'guest.c');
  await run('clang', [...COMMON, ...to('native'), join(SOURCES, 'native.c')]);
  await run('clang', [...COMMON, ...WASM, ...to('scalar.wasm'), guest]);
  await run('clang', [...COMMON, ...WASM, '-msimd128', ...to('simd.wasm'), guest]);
}

interface Timed {
  readonly ns: number;
  readonly checksum: number;
}

function openNative(path: string) {
  const child = spawn(path, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  return {
    time: async (letter: string, rounds: number): Promise<Timed> => {
      child.stdin.write(`${letter} ${rounds}\n`);
      const [line] = (await once(lines, 'line')) as [string];
      const [ns, checksum] = line.split(' ').map(Number);
      return { ns: ns!, checksum: checksum! };
    },
    close: async (): Promise<void> => {
      const exited = once(child, 'exit');
      child.stdin.end();
      await exited;
    },
  };
}

export async function exec(): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'wafer-exec-'));
  const host = new AgentHost('exec');
  try {
    await build(folder);
    for (const name of GUESTS) {
      const module = join(folder, `${name}.wasm`);
      await host.ask({ do: 'install', name, module, wit: join(SOURCES, 'guest.wit') });
    }
    const native = openNative(join(folder, 'native'));
    const ratios = new Map(
      KERNELS.map(({ name }) => [name, { simd: [] as number[], scalar: [] as number[] }]),
    );
    try {
      // The first round is not counted: the engine compiles what it runs twice.
      for (let turn = -1; turn < ROUNDS; turn += 1) {
        for (const { name, letter, rounds } of KERNELS) {
          const limit = await native.time(letter, rounds);
          for (const guest of GUESTS) {
            const ours = await host.ask({ do: 'run', name: guest, kernel: letter, rounds });
            if (ours['checksum'] !== limit.checksum)
              throw new Error(`${name} came out otherwise in the guest`);
            if (turn >= 0) ratios.get(name)![guest].push(ours['ns']! / limit.ns);
          }
        }
      }
    } finally {
      await native.close();
    }
    return {
      bench: 'exec',
      workload: `kernels in C in a component against native clang -O2, same checksums, ratio of times, ${ROUNDS} interleaved rounds, median`,
      figures: [...ratios].map(([name, { simd, scalar }]) => ({
        name: `exec-${name}`,
        unit: '×',
        ours: median(simd),
        peers: { scalar: median(scalar) },
        limit: 1,
        goal: 2,
        better: 'lower' as const,
      })),
      missing: {},
    };
  } finally {
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
