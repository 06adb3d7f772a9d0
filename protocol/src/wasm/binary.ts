/**
 * Reading and writing of WebAssembly's binary format (core specification, section 5): just enough to
 * walk the sections of a module, or of a component around it. The bytes come from a component that a stranger
 * wrote, so every length is checked and whatever is not understood is an error, never skipped. The agent
 * writes memory limits with it, the command line tells a publisher what a guest will need; neither this
 * nor shape.ts is part of the index, since browsers have no use for them and worker threads want no more.
 */

/** The bytes are not a module of the kind that is understood here. */
export class MalformedModule extends Error {
  override readonly name = 'MalformedModule';
}

export interface Section {
  readonly id: number;
  readonly body: Uint8Array;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Walks over bytes; each method reads one thing and moves on. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get position(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  peek(): number | undefined {
    return this.#bytes[this.#at];
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new MalformedModule('the module ends in the middle of something');
    this.#at += 1;
    return value;
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MalformedModule('a length points past the end of the module');
    const slice = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return slice;
  }

  /** LEB128 (5.2.2), at most `bits` wide. */
  #leb(bits: 32 | 64): bigint {
    let value = 0n;
    for (let shift = 0n; shift < bits; shift += 7n) {
      const next = this.byte();
      value |= BigInt(next & 0x7f) << shift;
      if ((next & 0x80) === 0) {
        if (value >> BigInt(bits) !== 0n) break;
        return value;
      }
    }
    throw new MalformedModule('an integer is longer than its type allows');
  }

  u32(): number {
    return Number(this.#leb(32));
  }

  u64(): bigint {
    return this.#leb(64);
  }

  /** Moves over a signed LEB128 of at most 64 bits, whose value does not matter here. */
  skipSigned(): void {
    for (let count = 0; count < 10; count += 1) if ((this.byte() & 0x80) === 0) return;
    throw new MalformedModule('an integer is longer than its type allows');
  }

  /** UTF-8, refused when it is not. */
  name(): string {
    try {
      return utf8.decode(this.bytes(this.u32()));
    } catch (error) {
      if (error instanceof MalformedModule) throw error;
      throw new MalformedModule('a name is not UTF-8');
    }
  }

  /** The bytes between an earlier position and here. */
  since(position: number): Uint8Array {
    return this.#bytes.subarray(position, this.#at);
  }
}

/** Unsigned LEB128. */
export function leb(value: bigint | number): Uint8Array {
  const out: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Uint8Array.from(out);
}

/** Magic number, then version and layer (component model, Binary.md): 1 and 0, or 13 and 1. */
const PREAMBLE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
const COMPONENT_PREAMBLE = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00);

/** The sections of a core module, in their order. Throws `MalformedModule`. */
export const readSections = (module: Uint8Array): Section[] =>
  sectionsAfter(PREAMBLE, module, 'a core module of version 1');

/** The sections of a component, in their order; a core module in it is the body of one. Throws `MalformedModule`. */
export const readComponentSections = (component: Uint8Array): Section[] =>
  sectionsAfter(COMPONENT_PREAMBLE, component, 'a component');

function sectionsAfter(preamble: Uint8Array, bytes: Uint8Array, what: string): Section[] {
  const reader = new Reader(bytes);
  if (!preamble.every((byte) => reader.byte() === byte)) {
    throw new MalformedModule(`it does not begin as ${what} does`);
  }
  const sections: Section[] = [];
  while (!reader.isAtEnd) sections.push({ id: reader.byte(), body: reader.bytes(reader.u32()) });
  return sections;
}

export function writeSections(sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const parts = sections.flatMap(({ id, body }) => [Uint8Array.of(id), leb(body.length), body]);
  return new Uint8Array(Buffer.concat([PREAMBLE, ...parts]));
}
