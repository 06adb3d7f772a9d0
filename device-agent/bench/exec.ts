/**
 * The kernels of the benchmark `exec` in a guest, as a process of its own. It is given core modules, with
 * the world to embed in them, and makes and installs components of them.
 *
 *   {"do":"install","name":"plain","module":"…/guest.wasm","wit":"…/guest.wit"}
 *   {"do":"run","name":"plain","kernel":"f","rounds":100}  → nanoseconds and the kernel's checksum
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import { z } from 'zod';
import { BenchBoard } from './board.ts';
import { serve } from './serve.ts';

const Command = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('install'), name: z.string(), module: z.string(), wit: z.string() }),
  z.strictObject({
    do: z.literal('run'),
    name: z.string(),
    kernel: z.string().length(1),
    rounds: z.number().int(),
  }),
]);

const board = new BenchBoard();

async function answer(command: unknown): Promise<object> {
  const parsed = Command.parse(command);
  switch (parsed.do) {
    case 'install': {
      const { name, module, wit } = parsed;
      const witSource = readFileSync(wit, 'utf8');
      const embedded = await componentEmbed({ binary: readFileSync(module), witSource });
      await board.install(name, await componentNew(embedded));
      return {};
    }
    case 'run': {
      const payload = Buffer.alloc(5);
      payload.write(parsed.kernel);
      payload.writeUInt32LE(parsed.rounds, 1);
      const started = performance.now();
      const reply = await board.call(parsed.name, payload);
      const ns = (performance.now() - started) * 1e6;
      return { ns, checksum: Buffer.from(reply).readUInt32LE() };
    }
  }
}

await serve(answer, () => board.close());
