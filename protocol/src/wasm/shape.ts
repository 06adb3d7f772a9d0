/**
 * What a core module says about its memories, tables and names, and the same module with other
 * maxima written into it.
 *
 * Structs and arrays lie in the engine's own heap, where no maximum holds them: a loop that makes them ends
 * the whole process. So no module may have types of that kind.
 *
 * Import and export names of core modules are free text, and the transpiler writes them into the
 * JavaScript that it makes. They are held to the characters that toolchains use, so that no name can
 * ever be more than a name.
 */
import { leb, MalformedModule, Reader, readSections, writeSections, type Section } from './binary.ts';

/** Limits of a memory (in pages of 64 KiB) or of a table (in entries). */
export interface Extent {
  readonly isImported: boolean;
  readonly min: bigint;
  /** Undefined when the module states none. */
  readonly max: bigint | undefined;
}

export interface Shape {
  readonly memories: readonly Extent[];
  readonly tables: readonly Extent[];
}

type Kind = 'memory' | 'table';
/** Answers the maximum to write in place of the extent's own. */
type Replace = (kind: Kind, extent: Extent) => bigint | undefined;

const SECTION = { type: 1, import: 2, table: 4, memory: 5, export: 7 } as const;

const UNSAFE_NAME = /[^\x20-\x7e]|['"`\\]/;

function skipName(reader: Reader): void {
  const name = reader.name();
  if (UNSAFE_NAME.test(name)) {
    throw new MalformedModule(`it imports or exports the name ${JSON.stringify(name.slice(0, 60))}`);
  }
}

/** Reads limits and answers them rewritten. 5.3.10: bit 0 tells of a maximum, 1 of sharing, 2 of 64-bit indexes. */
function limits(reader: Reader, kind: Kind, isImported: boolean, replace: Replace): Uint8Array {
  const flags = reader.byte();
  if ((flags & ~0b101) !== 0) {
    const what = (flags & 0b10) !== 0 ? 'is shared between threads' : `has limits of kind ${flags}`;
    throw new MalformedModule(`a ${kind} ${what}, which is not supported`);
  }
  const min = reader.u64();
  const max = (flags & 1) === 0 ? undefined : reader.u64();
  const wanted = replace(kind, { isImported, min, max });
  return wanted === undefined
    ? Buffer.concat([Uint8Array.of(flags & ~1), leb(min)])
    : Buffer.concat([Uint8Array.of(flags | 1), leb(min), leb(wanted)]);
}

/** 5.3.5: one byte, or 0x63 or 0x64 and a heap type. */
function skipValueType(reader: Reader): void {
  const first = reader.byte();
  if (first === 0x63 || first === 0x64) reader.skipSigned();
}

function skipAll(reader: Reader, skip: (reader: Reader) => void): void {
  for (let left = reader.u32(); left > 0; left -= 1) skip(reader);
}

/** 5.3.8 and 5.3.9: a function type, by itself or with what it is a subtype of. */
function skipSubtype(reader: Reader): void {
  const first = reader.byte();
  const isSubtype = first === 0x50 || first === 0x4f;
  if (isSubtype) skipAll(reader, (list) => void list.u32());
  const kind = isSubtype ? reader.byte() : first;
  if (kind === 0x5e || kind === 0x5f) {
    throw new MalformedModule(
      'it has types that are garbage-collected (struct, array), whose memory can not be bounded',
    );
  }
  if (kind !== 0x60) throw new MalformedModule(`it has a type of kind 0x${kind.toString(16)}`);
  skipAll(reader, skipValueType);
  skipAll(reader, skipValueType);
}

/** An entry of the type section (5.5.4): a type, or a group that is recursive. */
function typeEntry(reader: Reader): Uint8Array {
  const start = reader.position;
  if (reader.peek() === 0x4e) {
    reader.byte();
    skipAll(reader, skipSubtype);
  } else {
    skipSubtype(reader);
  }
  return reader.since(start);
}

/** A constant expression of the kinds that initialise a table (3.4.14). */
function skipConstant(reader: Reader): void {
  for (;;) {
    const opcode = reader.byte();
    switch (opcode) {
      case 0x0b: // end
        return;
      case 0xd0: // ref.null
        reader.skipSigned();
        break;
      case 0x23: // global.get
      case 0xd2: // ref.func
        reader.u32();
        break;
      default:
        throw new MalformedModule(`a table is initialised with opcode 0x${opcode.toString(16)}`);
    }
  }
}

/** Table type (5.3.11). */
function tableType(reader: Reader, isImported: boolean, replace: Replace): Uint8Array {
  const start = reader.position;
  skipValueType(reader);
  const type = reader.since(start);
  return Buffer.concat([type, limits(reader, 'table', isImported, replace)]);
}

/** An entry of the table section (5.5.7), which may carry an initial value behind 0x40 0x00. */
function tableEntry(reader: Reader, replace: Replace): Uint8Array {
  if (reader.peek() !== 0x40) return tableType(reader, false, replace);
  const prefix = reader.bytes(2);
  const type = tableType(reader, false, replace);
  const start = reader.position;
  skipConstant(reader);
  return Buffer.concat([prefix, type, reader.since(start)]);
}

/** An entry of the import section (5.5.5). */
function importEntry(reader: Reader, replace: Replace): Uint8Array {
  const start = reader.position;
  skipName(reader);
  skipName(reader);
  const kind = reader.byte();
  const head = reader.since(start);
  switch (kind) {
    case 0x00: // function
      reader.u32();
      return reader.since(start);
    case 0x01:
      return Buffer.concat([head, tableType(reader, true, replace)]);
    case 0x02:
      return Buffer.concat([head, limits(reader, 'memory', true, replace)]);
    case 0x03: // global
      skipValueType(reader);
      reader.byte();
      return reader.since(start);
    case 0x04: // tag
      reader.byte();
      reader.u32();
      return reader.since(start);
    default:
      throw new MalformedModule(`it has an import of kind ${kind}`);
  }
}

/** An entry of the export section (5.5.10), as it is. */
function exportEntry(reader: Reader): Uint8Array {
  const start = reader.position;
  skipName(reader);
  reader.byte();
  reader.u32();
  return reader.since(start);
}

/** A section's entries one by one, each replaced by what `visit` answers. */
function entries(body: Uint8Array, visit: (reader: Reader) => Uint8Array): Uint8Array {
  const reader = new Reader(body);
  const count = reader.u32();
  const parts: Uint8Array[] = [leb(count)];
  for (let index = 0; index < count; index += 1) parts.push(visit(reader));
  if (!reader.isAtEnd) throw new MalformedModule('a section is longer than its entries');
  return Buffer.concat(parts);
}

function walk(module: Uint8Array, replace: Replace): Section[] {
  return readSections(module).map(({ id, body }): Section => {
    switch (id) {
      case SECTION.type:
        return { id, body: entries(body, typeEntry) };
      case SECTION.import:
        return { id, body: entries(body, (reader) => importEntry(reader, replace)) };
      case SECTION.table:
        return { id, body: entries(body, (reader) => tableEntry(reader, replace)) };
      case SECTION.memory:
        return { id, body: entries(body, (reader) => limits(reader, 'memory', false, replace)) };
      case SECTION.export:
        return { id, body: entries(body, exportEntry) };
      default:
        return { id, body };
    }
  });
}

/** Throws `MalformedModule` for a module that is not understood or is not to be run. */
export function readShape(module: Uint8Array): Shape {
  const found: Record<Kind, Extent[]> = { memory: [], table: [] };
  walk(module, (kind, extent) => {
    found[kind].push(extent);
    return extent.max;
  });
  return { memories: found.memory, tables: found.table };
}

/** The module with the maxima that `replace` answers; the order of calls is that of `Shape`. */
export const writeMaxima = (
  module: Uint8Array,
  replace: (kind: Kind, extent: Extent) => bigint,
): Uint8Array<ArrayBuffer> => writeSections(walk(module, replace));
