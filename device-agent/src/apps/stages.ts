/**
 * How far the creation of a guest has come, in memory that the main thread and the isolate share. The main
 * thread looks when a deadline may have passed: a message at each stage would wake it for nothing, which
 * costs a short start a tenth of its time.
 */

/** `loading`: the guest's own code has not begun; the thread boots, bindings are compiled. */
export const STAGES = ['loading', 'creation', 'call'] as const;
export type Stage = (typeof STAGES)[number];

/** When each stage began: ns of the machine's steady clock, which is the same in every thread; 0 until then. */
export type Stages = BigInt64Array;

export const newStages = (): Stages =>
  new BigInt64Array(new SharedArrayBuffer(STAGES.length * BigInt64Array.BYTES_PER_ELEMENT));

/** A stage begins, and none after it has. */
export function enterStage(stages: Stages, stage: Stage): void {
  const cell = STAGES.indexOf(stage);
  for (let later = cell + 1; later < STAGES.length; later += 1) Atomics.store(stages, later, 0n);
  Atomics.store(stages, cell, process.hrtime.bigint());
}

/** The stage that goes on, and for how long it has, ms. */
export function currentStage(stages: Stages): { stage: Stage; forMs: number } {
  let cell = STAGES.length - 1;
  while (cell > 0 && Atomics.load(stages, cell) === 0n) cell -= 1;
  const began = Atomics.load(stages, cell);
  return { stage: STAGES[cell]!, forMs: Number(process.hrtime.bigint() - began) / 1e6 };
}
