/** Runs the tables of instructions.ts and programs.ts in one tier of the engine, and says what deviates. */
import { setFlagsFromString } from 'node:v8';
import { assemble, edges, I64, manyFunctions, type Bytes, type Code } from './assemble.ts';
import { INSTRUCTIONS, type Answer, type Case, type Kind } from './instructions.ts';
import { PROGRAMS, SIMD, type Program } from './programs.ts';

/** The engine's compilers: code comes quickly from the one, and better from the other if it runs often. */
export type Tier = 'baseline' | 'optimised';

/** Unrolled, the loops would compare differently from how most loops do. */
const FLAGS: Readonly<Record<Tier, readonly string[]>> = {
  baseline: ['--liftoff', '--liftoff-only'],
  optimised: ['--no-liftoff-only', '--no-liftoff', '--no-wasm-loop-unrolling', '--no-wasm-loop-peeling'],
};

/** Jumps within so many functions reach farther than one instruction of RISC-V can. */
const MANY = 100_000;

const RUBBISH = 0xdead_beefn << 32n;
const toOperand: Readonly<Record<Kind, Bytes>> = { i: [0xa7], l: [], f: [0xa7, 0xbe], d: [0xbf] };
const toBits: Readonly<Record<Kind, Bytes>> = { i: [0xad], l: [], f: [0xbc, 0xad], d: [0xbd] };

/** A function of as many 64-bit integers as there are operands. */
function codeOf({ code, operands, result }: Case): Code {
  const taken = operands.flatMap(([kind], index) => [0x20, index, ...toOperand[kind]]);
  return { params: operands.map(() => I64), results: [I64], body: [...taken, ...code, ...toBits[result]] };
}

const argumentsOf = ({ operands }: Case): bigint[] =>
  operands.map(([kind, bits]) => (kind === 'i' || kind === 'f' ? bits | RUBBISH : bits));

type Compiled = Readonly<Record<string, (...args: readonly bigint[]) => bigint>>;

function compile(name: string, functions: readonly Code[]): Compiled {
  return new WebAssembly.Instance(new WebAssembly.Module(assemble(name, functions))).exports as Compiled;
}

const hex = (bits: bigint | 'trap'): string => (bits === 'trap' ? 'a trap' : `0x${bits.toString(16)}`);

function answered(run: () => bigint): bigint | 'trap' {
  try {
    return BigInt.asUintN(64, run());
  } catch (error) {
    if (error instanceof Error && error.name === 'RuntimeError') return 'trap';
    throw error;
  }
}

function isAnswer(got: bigint | 'trap', answer: Answer): boolean {
  if (got === 'trap' || answer === 'trap') return got === answer;
  // The sign and the rest of a NaN are the engine's choice.
  if (answer === 'nan32') return (got & 0x7fc0_0000n) === 0x7fc0_0000n && got >> 32n === 0n;
  if (answer === 'nan64') return (got & 0x7ff8_0000_0000_0000n) === 0x7ff8_0000_0000_0000n;
  return got === answer;
}

const deviation = (name: string, got: bigint | 'trap', answer: Answer): string =>
  `${name} answered ${hex(got)} instead of ${answer === 'nan32' || answer === 'nan64' ? 'NaN' : hex(answer)}`;

/** Answers the first that deviates, as a sentence; undefined when none does. */
function firstWrong(
  compiled: Compiled,
  cases: readonly { name: string; arguments: readonly bigint[]; answer: Answer }[],
): string | undefined {
  for (const [index, { name, arguments: args, answer }] of cases.entries()) {
    const got = answered(() => compiled[`f${index}`]!(...args));
    if (!isAnswer(got, answer)) return deviation(name, got, answer);
  }
  return undefined;
}

const inTier = (tier: Tier): void => FLAGS[tier].forEach((flag) => setFlagsFromString(flag));

/** The flags stay as this sets them: the process is one that ends. */
export function wrongInstruction(tier: Tier, cases: readonly Case[] = INSTRUCTIONS): string | undefined {
  inTier(tier);
  const single = cases.map((each) => ({ ...each, arguments: argumentsOf(each) }));
  return (
    firstWrong(compile(`instructions ${tier}`, cases.map(codeOf)), single) ??
    firstWrong(compile(`programs ${tier}`, PROGRAMS), PROGRAMS)
  );
}

/** Undefined where the engine has no SIMD: it refuses components that want it. */
export function wrongVector(tier: Tier, programs: readonly Program[] = SIMD): string | undefined {
  inTier(tier);
  return firstWrong(compile(`vectors ${tier}`, programs), programs);
}

export const hasSimd = (): boolean => WebAssembly.validate(assemble('vectors', SIMD));

/** Functions that are compiled when they are called first, all over a module that has many. */
export function wrongFunction(): string | undefined {
  inTier('baseline');
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(manyFunctions(MANY)));
  for (const index of edges(MANY)) {
    const got = (exports[`f${index}`] as () => number)();
    if (got !== index) return `function ${index} of ${MANY} answered ${got}`;
  }
  return undefined;
}
