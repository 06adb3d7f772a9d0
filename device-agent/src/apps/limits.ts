/**
 * Memory limits, written into the guest before it is compiled. V8's `resourceLimits` does not bound
 * WebAssembly memory, so the bound has to stand in the modules: then `memory.grow` itself fails, and
 * the guest sees what it would see on a small machine.
 *
 * A component may hold several core modules and instantiate each of them several times. The budget
 * counts every memory that comes to be: all initial sizes must fit, and what is left is shared out, by
 * initial size, so that the maxima together stay within the limit. Memories that a module imports come from another
 * module of the same component, so they cost nothing; their declared maximum is set to the whole
 * budget, which every real maximum fits under.
 */
import { FaultError } from '@wafer/protocol';
import { readShape, writeMaxima, type Extent } from '@wafer/protocol/wasm/shape';

const PAGE_BYTES = 65_536;
const PAGES_PER_MIB = 16;

/** Entries of all tables of a guest together; each costs about 16 bytes of the host's memory. */
export const MAX_TABLE_ENTRIES = 262_144n;

export interface CoreModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** How often the component instantiates it. */
  readonly instances: number;
}

export interface BoundedModule {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes that all memories of one instance of it may reach. */
  readonly memoryBytes: number;
  /** How often it may be instantiated; the budget counts on it. */
  readonly instances: number;
}

interface Claim {
  readonly min: bigint;
  readonly max: bigint | undefined;
  readonly instances: bigint;
}

/** A memory grows about as it begins; one that begins empty must still be able to grow a little. */
const weight = ({ min, instances }: Claim): bigint => (min + 1n) * instances;

/**
 * A maximum for each claim, such that all of them, times their instances, stay within `budget`. Room
 * that a claim's own maximum leaves unused goes to the others. Undefined if the minima do not fit.
 */
export function shareOut(claims: readonly Claim[], budget: bigint): bigint[] | undefined {
  const shares = claims.map((claim) => ({ claim, granted: claim.min }));
  let rest = budget - claims.reduce((sum, { min, instances }) => sum + min * instances, 0n);
  if (rest < 0n) return undefined;
  for (;;) {
    const open = shares.filter(
      ({ claim: { max, instances }, granted }) => instances > 0n && (max === undefined || granted < max),
    );
    const weights = open.reduce((sum, { claim }) => sum + weight(claim), 0n);
    const spent = open.map((share) => {
      const { min, max, instances } = share.claim;
      const before = share.granted;
      const after = before + (rest * (min + 1n)) / weights;
      share.granted = max !== undefined && after > max ? max : after;
      return (share.granted - before) * instances;
    });
    const total = spent.reduce((sum, pages) => sum + pages, 0n);
    if (total === 0n) return shares.map(({ granted }) => granted);
    rest -= total;
  }
}

const tooBig = (what: string, subject: string): FaultError =>
  new FaultError('memory-limit', `The component ${what}, so it can not be started.`, subject);

/**
 * The same modules, bounded to `memoryMiB` for all linear memories together. Throws a `memory-limit`
 * fault when the initial sizes are over it already, and `MalformedModule` for modules that are not
 * understood.
 */
export function boundModules(modules: readonly CoreModule[], memoryMiB: number): BoundedModule[] {
  const shapes = modules.map(({ bytes }) => readShape(bytes));
  const claimsOf = (pick: 'memories' | 'tables'): Claim[] =>
    shapes.flatMap((shape, index) =>
      shape[pick]
        .filter((extent) => !extent.isImported)
        .map(({ min, max }) => ({ min, max, instances: BigInt(modules[index]!.instances) })),
    );

  const pages = BigInt(memoryMiB * PAGES_PER_MIB);
  const memories = shareOut(claimsOf('memories'), pages);
  if (memories === undefined) {
    throw tooBig(`begins with more memory than its limit of ${memoryMiB} MiB`, `memoryMiB ${memoryMiB}`);
  }
  const tables = shareOut(claimsOf('tables'), MAX_TABLE_ENTRIES);
  if (tables === undefined) {
    throw tooBig(`begins with tables of more than ${MAX_TABLE_ENTRIES} entries`, 'table entries');
  }

  const next = { memory: memories.values(), table: tables.values() };
  const whole = { memory: pages, table: MAX_TABLE_ENTRIES };
  return modules.map(({ name, bytes, instances }) => {
    let memoryPages = 0n;
    const maximum = (kind: 'memory' | 'table', extent: Extent): bigint => {
      if (extent.isImported) {
        return extent.max !== undefined && extent.max < whole[kind] ? extent.max : whole[kind];
      }
      const granted = next[kind].next().value!;
      if (kind === 'memory') memoryPages += granted;
      return granted;
    };
    const bounded = writeMaxima(bytes, maximum);
    return { name, bytes: bounded, memoryBytes: Number(memoryPages) * PAGE_BYTES, instances };
  });
}
