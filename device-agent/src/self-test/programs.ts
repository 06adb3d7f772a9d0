/**
 * What takes more than one instruction: loops whose condition is negated, memory, tables of jumps, and
 * SIMD. Each is a function with its arguments and the bits that it must answer, as in instructions.ts.
 */
import { F32, I64, signed, unsigned, type Bytes, type Code } from './assemble.ts';

export interface Program extends Code {
  readonly name: string;
  readonly arguments: readonly bigint[];
  readonly answer: bigint;
}

const get = (local: number): Bytes => [0x20, local];
const i32 = (value: number): Bytes => [0x41, ...signed(value)];
const LOOP = [0x03, 0x40];
const END = 0x0b;
const SET = 0x21;

/**
 * `do x += 1 while (!(x > 0))`, by each comparison: one that is negated wrongly leaves the loop after its
 * first round.
 */
function loop(name: string, type: 'f32' | 'f64', compare: Bytes, answer: bigint): Program {
  const isSingle = type === 'f32';
  const [constant, add, toFloat, toBits] = isSingle
    ? [[0x43, 0x00, 0x00, 0x80, 0x3f], 0x92, [0xa7, 0xbe], [0xbc, 0xad]]
    : [[0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], 0xa0, [0xbf], [0xbd]];
  const body = [
    [...get(0), ...toFloat, SET, 1],
    [...LOOP, ...get(1), ...constant, add, SET, 1],
    // Not that: again.
    [...compare, 0x45, 0x0d, 0, END],
    [...get(1), ...toBits],
  ].flat();
  const minusTen = isSingle ? 0xc120_0000n : 0xc024_0000_0000_0000n;
  return {
    name,
    params: [I64],
    results: [I64],
    locals: [isSingle ? F32 : 0x7c],
    body,
    arguments: [minusTen],
    answer,
  };
}

const ZERO32: Bytes = [0x43, 0, 0, 0, 0];
const ZERO64: Bytes = [0x44, 0, 0, 0, 0, 0, 0, 0, 0];
const ONE32 = 0x3f80_0000n;
const ONE64 = 0x3ff0_0000_0000_0000n;

const LOOPS: readonly Program[] = [
  loop('a loop until f32.gt', 'f32', [...get(1), ...ZERO32, 0x5e], ONE32),
  loop('a loop until f32.ge', 'f32', [...get(1), ...ZERO32, 0x60], 0n),
  loop('a loop until f32.lt', 'f32', [...ZERO32, ...get(1), 0x5d], ONE32),
  loop('a loop until f32.le', 'f32', [...ZERO32, ...get(1), 0x5f], 0n),
  loop('a loop until f64.gt', 'f64', [...get(1), ...ZERO64, 0x64], ONE64),
  loop('a loop until f64.ge', 'f64', [...get(1), ...ZERO64, 0x66], 0n),
  loop('a loop until f64.lt', 'f64', [...ZERO64, ...get(1), 0x63], ONE64),
  loop('a loop until f64.le', 'f64', [...ZERO64, ...get(1), 0x65], 0n),
];

/** An address, an alignment of one byte and no offset. */
const UNALIGNED: Bytes = [0, 0];
const store = (at: number): Bytes => [...i32(at), ...get(0), 0x37, ...UNALIGNED];
const memory = (name: string, body: Bytes, value: bigint, answer: bigint): Program => ({
  name,
  params: [I64],
  results: [I64],
  body,
  arguments: [value],
  answer,
});

const PATTERN = 0x8182_8384_8586_8788n;
const MEMORY: readonly Program[] = [
  memory('i64.load across words', [...store(13), ...i32(13), 0x29, ...UNALIGNED], PATTERN, PATTERN),
  memory('i64.load8_s', [...store(8), ...i32(8), 0x30, ...UNALIGNED], PATTERN, 0xffff_ffff_ffff_ff88n),
  memory('i64.load16_u', [...store(8), ...i32(9), 0x33, ...UNALIGNED], PATTERN, 0x8687n),
  memory('i64.load32_s', [...store(8), ...i32(11), 0x34, ...UNALIGNED], PATTERN, 0xffff_ffff_8283_8485n),
  memory('i32.load16_s', [...store(8), ...i32(8), 0x2e, ...UNALIGNED, 0xad], PATTERN, 0xffff_8788n),
  memory(
    'memory.copy onto itself',
    [...store(64), ...i32(66), ...i32(64), ...i32(8), 0xfc, 10, 0, 0, ...i32(66), 0x29, ...UNALIGNED],
    PATTERN,
    PATTERN,
  ),
  memory(
    'memory.fill',
    [...i32(129), ...get(0), 0xa7, ...i32(5), 0xfc, 11, 0, ...i32(128), 0x29, ...UNALIGNED],
    0x1ffn,
    0xffff_ffff_ff00n,
  ),
  memory(
    'br_table',
    // Blocks 0 to 2 answer 10, 20 and 30.
    [
      [0x02, 0x40, 0x02, 0x40, 0x02, 0x40],
      [...get(0), 0xa7, 0x0e, 2, 0, 1, 2, END],
      [0x42, 10, 0x0f, END],
      [0x42, 20, 0x0f, END],
      [0x42, 30],
    ].flat(),
    1n,
    20n,
  ),
];

const V128 = 0x7b;
const simd = (code: number): Bytes => [0xfd, ...unsigned(code)];
/** Of two arguments, its lower half first. */
const vectorOf = (low: number): Bytes => [...get(low), ...simd(18), ...get(low + 1), ...simd(30), 1];

/** `instruction` on two vectors; one function for each half of what it answers. */
function vector(
  name: string,
  instruction: Bytes,
  [a, b]: readonly [readonly [bigint, bigint], readonly [bigint, bigint]],
  answers: readonly bigint[],
): Program[] {
  return answers.map((answer, lane) => ({
    name: `${name}, half ${lane}`,
    params: [I64, I64, I64, I64],
    results: [I64],
    locals: [V128],
    body: [...vectorOf(0), ...vectorOf(2), ...instruction, ...simd(29), lane],
    arguments: [...a, ...b],
    answer,
  }));
}

const TEXT = [0x3132_3a0d_0a41_4220n, 0x7fff_8000_0001_00ffn] as const;
const SPACES = [0x2020_2020_2020_2020n, 0x7f7f_7f7f_7f7f_7f7fn] as const;
/** A mask of bits, as parsers of text take it of a comparison. */
const bitmask = (compare: number): Bytes => [...simd(compare), ...simd(100), I32_TO_I64, ...simd(18)];
const I32_TO_I64 = 0xad;

export const SIMD: readonly Program[] = [
  ...vector('i8x16.gt_u and bitmask', bitmask(40), [TEXT, SPACES], [0x61e6n]),
  ...vector('i8x16.eq and bitmask', bitmask(35), [TEXT, SPACES], [0x8001n]),
  ...vector('i8x16.add_sat_u', simd(112), [TEXT, SPACES], [0x5152_5a2d_2a61_6240n, 0xfeff_ff7f_7f80_7fffn]),
  ...vector(
    'i8x16.swizzle',
    simd(14),
    [TEXT, [0x0706_0504_0302_0100n, 0xff0e_0d0c_0b0a_0908n]],
    [TEXT[0], 0x00ff_8000_0001_00ffn],
  ),
  ...vector(
    'i32x4.mul',
    simd(181),
    [
      [0x0001_0001_ffff_ffffn, 0x8000_0000_0000_0003n],
      [0x0001_0001_0000_0002n, 0x0000_0002_0000_0005n],
    ],
    [0x0002_0001_ffff_fffen, 0xfn],
  ),
  ...vector('i64x2.add', simd(206), [TEXT, SPACES], [0x5152_5a2d_2a61_6240n, 0xff7e_ff7f_7f80_807en]),
  ...vector(
    'f32x4.add',
    simd(228),
    [
      [0x3f80_0000_3dcc_cccdn, 0n],
      [0x4000_0000_3e4c_cccdn, 0n],
    ],
    [0x4040_0000_3e99_999an, 0n],
  ),
  ...vector('v128.andnot', simd(79), [TEXT, SPACES], [0x1112_1a0d_0a41_4200n, 0x0080_8000_0000_0080n]),
];

export const PROGRAMS: readonly Program[] = [...LOOPS, ...MEMORY];
