/**
 * The core modules inside a component and how often each is instantiated, read from the binary
 * (component model, Binary.md). Only what counts modules and instances is understood; all of the
 * rest is skipped over. The bytes have passed wasm-tools before, so they are well-formed; what is
 * too unusual to count throws MalformedModule rather than giving a wrong number.
 */
import { MalformedModule, Reader, readComponentSections } from '@wafer/protocol/wasm/binary';

/** Core module → how often one instance of the component instantiates it. */
export type CoreModules = ReadonlyMap<Uint8Array, bigint>;

const SECTION = { coreModule: 1, coreInstance: 2, component: 4, instance: 5, alias: 6, import: 10 } as const;
const SORT = { core: 0x00, component: 0x04 } as const;
const CORE_MODULE = 0x11;

/** Deeper than any tool nests; each level is a call of this reader. */
const MAX_DEPTH = 50;

/** What a component has defined so far; `undefined` is one that came from elsewhere. */
interface Spaces {
  readonly modules: (Uint8Array | undefined)[];
  readonly components: (CoreModules | undefined)[];
}

/** Throws MalformedModule, also for a component that instantiates what it was given from outside. */
export function coreModules(component: Uint8Array, depth = 0): CoreModules {
  if (depth > MAX_DEPTH) throw new MalformedModule(`components are nested more than ${MAX_DEPTH} deep`);
  const spaces: Spaces = { modules: [], components: [] };
  const counts = new Map<Uint8Array, bigint>();
  for (const { id, body } of readComponentSections(component)) {
    const reader = new Reader(body);
    switch (id) {
      case SECTION.coreModule:
        spaces.modules.push(body);
        counts.set(body, 0n);
        break;
      case SECTION.component:
        spaces.components.push(coreModules(body, depth + 1));
        break;
      case SECTION.coreInstance:
        each(reader, () => coreInstance(reader, spaces, counts));
        break;
      case SECTION.instance:
        each(reader, () => instance(reader, spaces, counts));
        break;
      case SECTION.alias:
        each(reader, () => alias(reader, spaces));
        break;
      case SECTION.import:
        each(reader, () => imported(reader, spaces));
        break;
    }
  }
  return counts;
}

function each(reader: Reader, read: () => void): void {
  for (let left = reader.u32(); left > 0; left -= 1) read();
}

function add(counts: Map<Uint8Array, bigint>, module: Uint8Array, count: bigint): void {
  counts.set(module, (counts.get(module) ?? 0n) + count);
}

const foreign = (what: string): MalformedModule =>
  new MalformedModule(`it instantiates a ${what} that it does not define itself`);

function coreInstance(reader: Reader, { modules }: Spaces, counts: Map<Uint8Array, bigint>): void {
  const isInstantiation = reader.byte() === 0x00;
  if (isInstantiation) {
    const module = modules[reader.u32()];
    if (module === undefined) throw foreign('core module');
    add(counts, module, 1n);
  }
  // Arguments, or the exports of an instance made of what there is: name, sort, index.
  each(reader, () => {
    reader.name();
    reader.byte();
    reader.u32();
  });
}

function instance(reader: Reader, { components }: Spaces, counts: Map<Uint8Array, bigint>): void {
  const isInstantiation = reader.byte() === 0x00;
  if (isInstantiation) {
    const inner = components[reader.u32()];
    if (inner === undefined) throw foreign('component');
    for (const [module, count] of inner) add(counts, module, count);
  }
  each(reader, () => {
    if (isInstantiation) reader.name();
    else externName(reader);
    sort(reader);
    reader.u32();
  });
}

/** The sort of what follows; for a core sort, the byte that tells which. */
function sort(reader: Reader): { outer: number; core: number | undefined } {
  const outer = reader.byte();
  return { outer, core: outer === SORT.core ? reader.byte() : undefined };
}

/** An alias puts what it points at into its index space, from where it cannot be told here. */
function alias(reader: Reader, spaces: Spaces): void {
  const { outer, core } = sort(reader);
  // An export of an instance (0x00) or of a core instance (0x01) by its name, or an outer index (0x02).
  const isOuter = reader.byte() === 0x02;
  reader.u32();
  if (isOuter) reader.u32();
  else reader.name();
  if (core === CORE_MODULE) spaces.modules.push(undefined);
  if (outer === SORT.component) spaces.components.push(undefined);
}

function externName(reader: Reader): void {
  const kind = reader.byte();
  if (kind > 0x01) throw new MalformedModule(`it has a name of kind ${kind}`);
  reader.name();
}

function imported(reader: Reader, spaces: Spaces): void {
  externName(reader);
  const { outer, core } = sort(reader);
  switch (outer) {
    case SORT.core:
      if (core === CORE_MODULE) spaces.modules.push(undefined);
      reader.u32();
      return;
    case SORT.component:
      spaces.components.push(undefined);
      reader.u32();
      return;
    case 0x03: // a type: equal to one (0x00 index), or a resource (0x01)
      if (reader.byte() === 0x00) reader.u32();
      return;
    case 0x01: // a function
    case 0x05: // an instance
      reader.u32();
      return;
    default:
      throw new MalformedModule(`it has an import of kind ${outer}`);
  }
}
