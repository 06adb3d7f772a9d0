/** Small guests, as WebAssembly text, made into binaries by the tools that publishing uses. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';

const LIFECYCLE = `
  (core module $m
    (func (export "start") (result i32) (i32.const 0))
    (func (export "stop"))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 64))
    (memory (export "memory") 1))
  (core instance $i (instantiate $m))
  (func $start (result (result (error string)))
    (canon lift (core func $i "start")
      (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (func $stop (canon lift (core func $i "stop")))
  (instance $lifecycle (export "start" (func $start)) (export "stop" (func $stop)))
  (export "wafer:app/lifecycle@0.1.0" (instance $lifecycle))`;

/** A reactor that does nothing, importing what is named; `salt` makes its bytes differ. */
export const reactor = (imports: readonly string[] = [], salt = ''): Promise<Uint8Array> =>
  parse(
    `(component
      ${imports.map((name) => `(import "${name}" (instance))`).join('\n')}
      ${LIFECYCLE}
      (@custom "salt" "${salt}"))`,
  );

/** The same component, made larger by a custom section of `bytes` zeroes (core specification, clause 5.5.3). */
export function padded(component: Uint8Array, bytes: number): Uint8Array {
  const name = Buffer.from('\x07padding', 'latin1');
  return Buffer.concat([component, Buffer.from([0, ...leb(name.length + bytes)]), name, Buffer.alloc(bytes)]);
}

/** Unsigned LEB128. */
const leb = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];

/** A component that exports one thing, which no world knows. */
export const stranger = (exported: string): Promise<Uint8Array> =>
  parse(`(component (instance $i) (export "${exported}" (instance $i)))`);

/** A preview 1 core module that is a program. */
export const preview1Program = (): Promise<Uint8Array> =>
  parse(`(module
    (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")))`);
