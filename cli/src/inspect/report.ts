/**
 * `wafer inspect`: what a publisher wants to know about a guest before anybody else does. Judged by the
 * same rules that publish, the server and the device apply, so that what is clean here is taken there.
 */
import { describeRefusal, refusals, WaferError, type World } from '@wafer/protocol';
import { packChunks } from '@wafer/protocol/chunk';
import { inspect } from '../publish/component.ts';
import { load, type Loaded, type Warn } from '../publish/load.ts';
import { findManifest, type Found, worldMismatch } from '../publish/manifest.ts';
import { sha256 } from '../trust/documents.ts';
import { memoryOf, type Memory, type MemoryVerdict } from './memory.ts';
import { starterManifest } from './starter.ts';

/** Package as the component spells it, version included → its interfaces. */
export type ByPackage = Readonly<Record<string, readonly string[]>>;

export interface Report {
  readonly file: string;
  readonly from: Exclude<Loaded['from'], 'agent'>;
  readonly world: World;
  readonly digest: string;
  /** Bytes of the component. */
  readonly length: number;
  /** Bytes of its chunks as they go over the link. */
  readonly travels: { readonly bytes: number; readonly chunks: number };
  /** Null when the component is such that it cannot be told; `refused` says why. */
  readonly memory: Memory | null;
  readonly imports: ByPackage;
  readonly exports: ByPackage;
  /** Path of the manifest that it was judged by; null means: by no grants at all. */
  readonly judgedBy: string | null;
  /** Each reason why it would not run; empty when it would. `import` and `grant` where it is about them. */
  readonly refused: readonly { readonly reason: string; readonly import?: string; readonly grant?: string }[];
  /** Text of a wafer.yaml to start from. */
  readonly starter: string;
}

/** Paths are absolute. Throws as publish does for what is no component at all. */
export async function reportOn(file: string, manifest: string | undefined, warn: Warn): Promise<Report> {
  const found = await findManifest(file, manifest);
  const { component, from } = await load(file, warn);
  if (from === 'agent')
    throw new WaferError('cli.usage', `${file} is an agent and asks for nothing; wafer publish takes it`);
  const inspection = await inspect(component);
  const { world, imports, exports } = inspection;
  const chunks = await packChunks(component);
  const memory = memoryOf(component);
  return {
    file,
    from,
    world,
    digest: sha256(component),
    length: component.length,
    travels: { bytes: chunks.reduce((sum, { bytes }) => sum + bytes.length, 0), chunks: chunks.length },
    memory: 'refused' in memory ? null : memory,
    imports: byPackage(imports),
    exports: byPackage(exports),
    judgedBy: found.isWritten ? found.file : null,
    refused: [
      ...otherReasons(found, world, memory),
      ...refusals(imports, found.manifest.grants).map((refusal) => ({
        ...refusal,
        reason: describeRefusal(refusal),
      })),
    ],
    starter: starterManifest(file, inspection, memory),
  };
}

const MIB = 1024 * 1024;

function otherReasons(found: Found, world: World, memory: MemoryVerdict): { reason: string }[] {
  const mismatch = worldMismatch(found, world);
  const { memoryMiB } = found.manifest.limits;
  const tooMuch =
    'refused' in memory
      ? memory.refused
      : memory.startBytes > memoryMiB * MIB
        ? `it begins with ${mib(memory.startBytes)} of memory, over limits.memoryMiB ${memoryMiB}`
        : undefined;
  return [mismatch, tooMuch].flatMap((reason) => (reason === undefined ? [] : [{ reason }]));
}

export const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

/** `wasi:io/poll@0.2.6` is `poll` of `wasi:io@0.2.6`; a name without a package stands by itself. */
export function byPackage(names: readonly string[]): ByPackage {
  const groups: Record<string, string[]> = {};
  for (const name of names) {
    const [, path = name, own, version = ''] = /^([^/@]+)\/([^@]+)(@.*)?$/.exec(name) ?? [];
    (groups[`${path}${version}`] ??= []).push(own ?? name);
  }
  return groups;
}
