/**
 * The part of the WebAssembly JavaScript interface (https://webassembly.github.io/spec/js-api/) that is
 * used here. Node's own types know only `Module`, and the browser's would bring the whole DOM along.
 */
declare namespace WebAssembly {
  type Imports = Record<string, Record<string, unknown>>;
  class Memory {
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Record<string, unknown>;
  }
  class CompileError extends Error {}
  const Module: new (bytes: Uint8Array<ArrayBuffer>) => Module;
  function validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  function compile(bytes: Uint8Array<ArrayBuffer>): Promise<Module>;
}
