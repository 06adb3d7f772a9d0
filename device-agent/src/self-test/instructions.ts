/**
 * What single instructions of WebAssembly must answer, as bits: the values stand in the specification, in
 * IEEE 754 or follow from them by hand; none was taken from an engine. Chosen where engines have been
 * wrong, above all on RISC-V, where 32-bit values lie sign-extended in 64-bit registers and floats of 32
 * bits boxed in registers of 64, where division and conversion do not trap by themselves, and where
 *
 * - V8's optimising compiler negated "less than" of floats wrongly at the end of loops (since 12.4): the
 *   loops below;
 * - jumps to functions that were not compiled yet were cut off in modules with many functions
 *   (nodejs/node#65724): test `many-functions`;
 * - SIMD answered wrongly or ended the process (nodejs/unofficial-builds#250, nodejs/node#64538).
 *
 * Operands of 32 bits are handed over with rubbish in the upper half, which must not matter.
 */
import type { Bytes } from './assemble.ts';

/** i and l are integers of 32 and 64 bits, f and d floats of 32 and 64. */
export type Kind = 'i' | 'l' | 'f' | 'd';

/** Bits; or that it traps; or any quiet NaN of that size, which the specification leaves open. */
export type Answer = bigint | 'trap' | 'nan32' | 'nan64';

export interface Case {
  readonly name: string;
  readonly code: Bytes;
  readonly operands: readonly (readonly [Kind, bigint])[];
  readonly result: Kind;
  readonly answer: Answer;
}

/** [instruction, its bytes, what it takes and gives, operands, answer]. */
type Row = readonly [string, Bytes, string, readonly bigint[], Answer];

const MIN32 = 0x8000_0000n;
const MIN64 = 0x8000_0000_0000_0000n;
const ONES32 = 0xffff_ffffn;
const ONES64 = 0xffff_ffff_ffff_ffffn;
const NAN32 = 0x7fc0_0000n;
const NAN64 = 0x7ff8_0000_0000_0000n;
/** A NaN that is not quiet: what only moves bits must leave it. */
const SIGNAL32 = 0x7fa0_0001n;

const INTEGERS: readonly Row[] = [
  ['i32.add', [0x6a], 'ii>i', [0x7fff_ffffn, 1n], MIN32],
  ['i32.sub', [0x6b], 'ii>i', [0n, 1n], ONES32],
  ['i32.mul', [0x6c], 'ii>i', [0x0001_0001n, 0x0001_0001n], 0x0002_0001n],
  ['i32.div_s', [0x6d], 'ii>i', [0xffff_fff9n, 2n], 0xffff_fffdn],
  ['i32.div_s of the least by -1', [0x6d], 'ii>i', [MIN32, ONES32], 'trap'],
  ['i32.div_s by 0', [0x6d], 'ii>i', [1n, 0n], 'trap'],
  ['i32.div_u', [0x6e], 'ii>i', [MIN32, 3n], 0x2aaa_aaaan],
  ['i32.rem_s of the least by -1', [0x6f], 'ii>i', [MIN32, ONES32], 0n],
  ['i32.rem_s', [0x6f], 'ii>i', [0xffff_fff9n, 2n], ONES32],
  ['i32.rem_u', [0x70], 'ii>i', [ONES32, 10n], 5n],
  ['i32.clz', [0x67], 'i>i', [1n], 31n],
  ['i32.clz of 0', [0x67], 'i>i', [0n], 32n],
  ['i32.ctz of 0', [0x68], 'i>i', [0n], 32n],
  ['i32.popcnt', [0x69], 'i>i', [0xf0f0_f0f1n], 17n],
  ['i32.shl by 33', [0x74], 'ii>i', [1n, 33n], 2n],
  ['i32.shr_s', [0x75], 'ii>i', [MIN32, 31n], ONES32],
  ['i32.shr_u', [0x76], 'ii>i', [MIN32, 31n], 1n],
  ['i32.rotl', [0x77], 'ii>i', [0x8000_0001n, 1n], 3n],
  ['i32.rotr', [0x78], 'ii>i', [0x8000_0001n, 33n], 0xc000_0000n],
  ['i32.extend8_s', [0xc0], 'i>i', [0x0000_0180n], 0xffff_ff80n],
  ['i32.extend16_s', [0xc1], 'i>i', [0x0001_8000n], 0xffff_8000n],
  ['i32.eqz', [0x45], 'i>i', [0n], 1n],
  ['i32.lt_s', [0x48], 'ii>i', [MIN32, 1n], 1n],
  ['i32.lt_u', [0x49], 'ii>i', [MIN32, 1n], 0n],
  ['i32.ge_u', [0x4f], 'ii>i', [ONES32, MIN32], 1n],
  ['i64.add', [0x7c], 'll>l', [ONES64, 1n], 0n],
  ['i64.sub', [0x7d], 'll>l', [0n, 1n], ONES64],
  ['i64.mul', [0x7e], 'll>l', [0x1_0000_0001n, 0x1_0000_0001n], 0x2_0000_0001n],
  ['i64.div_s', [0x7f], 'll>l', [0xffff_ffff_ffff_fff9n, 2n], 0xffff_ffff_ffff_fffdn],
  ['i64.div_s of the least by -1', [0x7f], 'll>l', [MIN64, ONES64], 'trap'],
  ['i64.div_u', [0x80], 'll>l', [MIN64, 10n], 0x0ccc_cccc_cccc_ccccn],
  ['i64.rem_s of the least by -1', [0x81], 'll>l', [MIN64, ONES64], 0n],
  ['i64.rem_u', [0x82], 'll>l', [ONES64, 1_000_000_007n], 582_344_007n],
  ['i64.rem_u by 0', [0x82], 'll>l', [1n, 0n], 'trap'],
  ['i64.clz', [0x79], 'l>l', [1n], 63n],
  ['i64.ctz', [0x7a], 'l>l', [MIN64], 63n],
  ['i64.popcnt', [0x7b], 'l>l', [0xf0f0_f0f0_f0f0_f0f1n], 33n],
  ['i64.shl by 65', [0x86], 'll>l', [1n, 65n], 2n],
  ['i64.shr_s', [0x87], 'll>l', [MIN64, 63n], ONES64],
  ['i64.shr_u', [0x88], 'll>l', [MIN64, 63n], 1n],
  ['i64.rotl', [0x89], 'll>l', [0x8000_0000_0000_0001n, 4n], 0x18n],
  ['i64.rotr', [0x8a], 'll>l', [0x18n, 4n], 0x8000_0000_0000_0001n],
  ['i64.extend8_s', [0xc2], 'l>l', [0x180n], 0xffff_ffff_ffff_ff80n],
  ['i64.extend16_s', [0xc3], 'l>l', [0x1_8000n], 0xffff_ffff_ffff_8000n],
  ['i64.extend32_s', [0xc4], 'l>l', [0x1_8000_0000n], 0xffff_ffff_8000_0000n],
  ['i64.extend_i32_s', [0xac], 'i>l', [MIN32], 0xffff_ffff_8000_0000n],
  ['i64.extend_i32_u', [0xad], 'i>l', [MIN32], MIN32],
  ['i64.lt_s', [0x53], 'll>i', [MIN64, 1n], 1n],
  ['i64.gt_u', [0x56], 'll>i', [MIN64, 1n], 1n],
  ['i32.wrap_i64', [0xa7], 'l>i', [0x1234_5678_9abc_def0n], 0x9abc_def0n],
];

const FLOATS: readonly Row[] = [
  ['f32.add', [0x92], 'ff>f', [0x3dcc_cccdn, 0x3e4c_cccdn], 0x3e99_999an],
  ['f32.sub of infinities', [0x93], 'ff>f', [0x7f80_0000n, 0x7f80_0000n], 'nan32'],
  ['f32.mul to a subnormal', [0x94], 'ff>f', [0x0080_0000n, 0x3f00_0000n], 0x0040_0000n],
  ['f32.div', [0x95], 'ff>f', [0x3f80_0000n, 0x4040_0000n], 0x3eaa_aaabn],
  ['f32.div by -0', [0x95], 'ff>f', [0x3f80_0000n, MIN32], 0xff80_0000n],
  ['f32.min of 0 and -0', [0x96], 'ff>f', [0n, MIN32], MIN32],
  ['f32.max of -0 and 0', [0x97], 'ff>f', [MIN32, 0n], 0n],
  ['f32.min with NaN', [0x96], 'ff>f', [0x3f80_0000n, NAN32], 'nan32'],
  ['f32.max with NaN', [0x97], 'ff>f', [NAN32, 0x3f80_0000n], 'nan32'],
  ['f32.abs of a NaN', [0x8b], 'f>f', [MIN32 | SIGNAL32], SIGNAL32],
  ['f32.neg of a NaN', [0x8c], 'f>f', [SIGNAL32], MIN32 | SIGNAL32],
  ['f32.copysign', [0x98], 'ff>f', [SIGNAL32, MIN32], MIN32 | SIGNAL32],
  ['f32.nearest of 2.5', [0x90], 'f>f', [0x4020_0000n], 0x4000_0000n],
  ['f32.nearest of -0.5', [0x90], 'f>f', [0xbf00_0000n], MIN32],
  ['f32.ceil of -0.5', [0x8d], 'f>f', [0xbf00_0000n], MIN32],
  ['f32.sqrt', [0x91], 'f>f', [0x4000_0000n], 0x3fb5_04f3n],
  ['f32.lt with NaN', [0x5d], 'ff>i', [NAN32, 0n], 0n],
  ['f32.ne with NaN', [0x5c], 'ff>i', [NAN32, NAN32], 1n],
  ['f64.add', [0xa0], 'dd>d', [0x3fb9_9999_9999_999an, 0x3fc9_9999_9999_999an], 0x3fd3_3333_3333_3334n],
  [
    'f64.mul that overflows',
    [0xa2],
    'dd>d',
    [0x7fef_ffff_ffff_ffffn, 0x4000_0000_0000_0000n],
    0x7ff0_0000_0000_0000n,
  ],
  ['f64.div', [0xa3], 'dd>d', [0x3ff0_0000_0000_0000n, 0x4008_0000_0000_0000n], 0x3fd5_5555_5555_5555n],
  ['f64.min with NaN', [0xa4], 'dd>d', [NAN64, 0n], 'nan64'],
  ['f64.max of -0 and 0', [0xa5], 'dd>d', [MIN64, 0n], 0n],
  ['f64.neg of a NaN', [0x9a], 'd>d', [NAN64 | 1n], MIN64 | NAN64 | 1n],
  ['f64.nearest of 3.5', [0x9e], 'd>d', [0x400c_0000_0000_0000n], 0x4010_0000_0000_0000n],
  ['f64.floor of -0.5', [0x9c], 'd>d', [0xbfe0_0000_0000_0000n], 0xbff0_0000_0000_0000n],
  ['f64.trunc of -0.5', [0x9d], 'd>d', [0xbfe0_0000_0000_0000n], MIN64],
  ['f64.sqrt', [0x9f], 'd>d', [0x4000_0000_0000_0000n], 0x3ff6_a09e_667f_3bcdn],
  ['f64.sqrt of -1', [0x9f], 'd>d', [0xbff0_0000_0000_0000n], 'nan64'],
  ['f64.ge with NaN', [0x66], 'dd>i', [NAN64, NAN64], 0n],
];

const CONVERSIONS: readonly Row[] = [
  ['i32.trunc_f32_s', [0xa8], 'f>i', [0xcf00_0000n], MIN32],
  ['i32.trunc_f32_s beyond', [0xa8], 'f>i', [0x4f00_0000n], 'trap'],
  ['i32.trunc_f32_s of NaN', [0xa8], 'f>i', [NAN32], 'trap'],
  ['i32.trunc_f64_u of -0.9', [0xab], 'd>i', [0xbfec_cccc_cccc_cccdn], 0n],
  ['i32.trunc_f64_u of -1', [0xab], 'd>i', [0xbff0_0000_0000_0000n], 'trap'],
  ['i64.trunc_f64_s', [0xb0], 'd>l', [0xc3e0_0000_0000_0000n], MIN64],
  ['i64.trunc_f64_u', [0xb1], 'd>l', [0x43e0_0000_0000_0000n], MIN64],
  ['i32.trunc_sat_f32_s of NaN', [0xfc, 0], 'f>i', [NAN32], 0n],
  ['i32.trunc_sat_f32_s beyond', [0xfc, 0], 'f>i', [0x7f80_0000n], 0x7fff_ffffn],
  ['i32.trunc_sat_f64_u of -1', [0xfc, 3], 'd>i', [0xbff0_0000_0000_0000n], 0n],
  ['i64.trunc_sat_f32_s beyond', [0xfc, 4], 'f>l', [0xff80_0000n], MIN64],
  ['i64.trunc_sat_f64_u beyond', [0xfc, 7], 'd>l', [0x7ff0_0000_0000_0000n], ONES64],
  ['i64.trunc_sat_f64_s of NaN', [0xfc, 6], 'd>l', [NAN64], 0n],
  ['f32.convert_i32_u', [0xb3], 'i>f', [ONES32], 0x4f80_0000n],
  ['f32.convert_i64_s', [0xb4], 'l>f', [MIN64], 0xdf00_0000n],
  ['f32.convert_i64_u', [0xb5], 'l>f', [0x8000_0080_0000_0001n], 0x5f00_0001n],
  ['f64.convert_i32_s', [0xb7], 'i>d', [MIN32], 0xc1e0_0000_0000_0000n],
  ['f64.convert_i32_u', [0xb8], 'i>d', [MIN32], 0x41e0_0000_0000_0000n],
  ['f64.convert_i64_u', [0xba], 'l>d', [ONES64], 0x43f0_0000_0000_0000n],
  ['f32.demote_f64', [0xb6], 'd>f', [0x3ff0_0000_1000_0000n], 0x3f80_0000n],
  ['f32.demote_f64 of NaN', [0xb6], 'd>f', [NAN64], 'nan32'],
  ['f64.promote_f32', [0xbb], 'f>d', [0x0000_0001n], 0x36a0_0000_0000_0000n],
  ['f64.promote_f32 of NaN', [0xbb], 'f>d', [NAN32], 'nan64'],
];

function caseOf([name, code, type, bits, answer]: Row): Case {
  const [takes = '', gives = ''] = type.split('>');
  const operands = bits.map((value, index) => [takes[index] as Kind, value] as const);
  return { name, code, operands, result: gives as Kind, answer };
}

export const INSTRUCTIONS: readonly Case[] = [...INTEGERS, ...FLOATS, ...CONVERSIONS].map(caseOf);
