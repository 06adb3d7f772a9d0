/** How much linear memory a component begins with, and how much its core modules say it may ever have. */
import { MalformedModule } from '@wafer/protocol/wasm/binary';
import { readShape } from '@wafer/protocol/wasm/shape';
import { coreModules } from './core-modules.ts';

const PAGE_BYTES = 65_536n;

export interface Memory {
  /** All memories of one instance together, bytes. */
  readonly startBytes: number;
  /** Null when a memory declares no maximum: then the limit of the manifest is the only one. */
  readonly maximumBytes: number | null;
}

/** Memory, or why no limit can be put on it; an agent writes one into every module, or does not run it. */
export type MemoryVerdict = Memory | { readonly refused: string };

export function memoryOf(component: Uint8Array): MemoryVerdict {
  try {
    return sum(component);
  } catch (error) {
    if (!(error instanceof MalformedModule)) throw error;
    return { refused: `its memory cannot be bounded: ${error.message}` };
  }
}

function sum(component: Uint8Array): Memory {
  let start = 0n;
  let maximum: bigint | undefined = 0n;
  for (const [module, instances] of coreModules(component)) {
    for (const { isImported, min, max } of readShape(module).memories) {
      // A memory that is imported is another module's, and counted there.
      if (isImported || instances === 0n) continue;
      start += min * instances;
      maximum = maximum === undefined || max === undefined ? undefined : maximum + max * instances;
    }
  }
  const bytes = (pages: bigint): number => Number(pages * PAGE_BYTES);
  return { startBytes: bytes(start), maximumBytes: maximum === undefined ? null : bytes(maximum) };
}
