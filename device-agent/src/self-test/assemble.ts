/**
 * Writes small WebAssembly modules, so that the instruction test needs no file: functions without names
 * but their exports `f0`, `f1`, …, and one page of memory for all of them.
 */

export type Bytes = readonly number[];

/** One function: parameters and result are value types, `locals` its own variables. */
export interface Code {
  readonly params: Bytes;
  readonly results: Bytes;
  readonly locals?: Bytes;
  readonly body: Bytes;
}

const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;

const END = 0x0b;
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const encoder = new TextEncoder();

/** LEB128 of a number that is not negative. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

const vector = (items: readonly Bytes[]): number[] => [...unsigned(items.length), ...items.flat()];
const bytesOf = (text: string): number[] => [
  ...unsigned(encoder.encode(text).length),
  ...encoder.encode(text),
];
const section = (id: number, content: Bytes): number[] => [id, ...unsigned(content.length), ...content];

/** `name` makes modules differ that hold the same: the engine keeps what it compiled by the bytes. */
export function assemble(name: string, functions: readonly Code[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ params, results }) => [
    0x60,
    ...vector(params.map((type) => [type])),
    ...vector(results.map((type) => [type])),
  ]);
  const bodies = functions.map(({ locals = [], body }) => {
    const code = [...vector(locals.map((type) => [1, type])), ...body, END];
    return [...unsigned(code.length), ...code];
  });
  const exported = functions.map((_, index) => [...bytesOf(`f${index}`), 0x00, ...unsigned(index)]);
  return Uint8Array.from([
    ...HEADER,
    ...section(0, bytesOf(name)),
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(5, [1, 0x00, 1]),
    ...section(7, vector(exported)),
    ...section(10, vector(bodies)),
  ]);
}

/** A function's body that answers its own number, which always takes five bytes. */
const BODY = [8, 0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x00, END];

/** A module of `count` functions, each of which answers its own number; those of `edges` can be called. */
export function manyFunctions(count: number): Uint8Array<ArrayBuffer> {
  const bodies = new Uint8Array(count * BODY.length);
  for (let index = 0; index < count; index += 1) {
    const at = index * BODY.length;
    bodies.set(BODY, at);
    for (let byte = 0; byte < 4; byte += 1) bodies[at + 3 + byte]! |= (index >> (7 * byte)) & 0x7f;
  }
  const exported = edges(count).map((index) => [...bytesOf(`f${index}`), 0x00, ...unsigned(index)]);
  const before = [
    HEADER,
    section(1, vector([[0x60, 0, 1, I32]])),
    [3, ...unsigned(unsigned(count).length + count), ...unsigned(count)],
  ].flat();
  const after = section(7, vector(exported));
  const code = [10, ...unsigned(unsigned(count).length + bodies.length), ...unsigned(count)];
  const types = new Uint8Array(count);
  return Uint8Array.from(
    Buffer.concat([before, types, after, code, bodies].map((part) => Uint8Array.from(part))),
  );
}

/** The functions of such a module that are called: first, last, and some between. */
export const edges = (count: number): number[] => [0, count >> 2, count >> 1, count - 1];

/** LEB128 of a number that may be negative, 32 bits. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}
