/** ECMAScript 2026 (https://tc39.es/proposal-atomics-microwait/), which V8 has and TypeScript's es2024 lacks. */
interface Atomics {
  /** Tells the processor that the thread looks again and again. */
  pause(): void;
}
