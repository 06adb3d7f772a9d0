/** Small components written by hand, for what no compiler would make. */
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';

const WIT = `package fixture:small;

package wasi:cli@0.2.6 {
  interface run { run: func() -> result; }
  interface exit { exit: func(status: result); }
}
package wasi:http@0.2.3 {
  interface types { http-error-code: func(code: u32) -> u32; }
}
package wafer:app@0.1.0 {
  interface lifecycle { start: func() -> result<_, string>; stop: func(); }
  interface timer { tick: func() -> result<_, string>; }
}

world command {
  import wasi:cli/exit@0.2.6;
  export wasi:cli/run@0.2.6;
}
world reactor {
  import wasi:http/types@0.2.3;
  export wafer:app/lifecycle@0.1.0;
  export wafer:app/timer@0.1.0;
}
`;

async function component(world: string, wat: string): Promise<Uint8Array> {
  const binary = await parse(wat);
  return componentNew(await componentEmbed({ binary, witSource: WIT, world }));
}

/** `run` is the body of a function that leaves 0 (ok) or 1 (err) on the stack; `$exit` takes the same. */
export const command = (run: string): Promise<Uint8Array> =>
  component(
    'command',
    `(module
      (import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "wasi:cli/run@0.2.6#run") (result i32) ${run}))`,
  );

/** `start` and `tick` are bodies that may call `$http`; both answer ok. */
export const reactor = (parts: { start?: string; tick?: string; begin?: string }): Promise<Uint8Array> =>
  component(
    'reactor',
    `(module
      (import "wasi:http/types@0.2.3" "http-error-code" (func $http (param i32) (result i32)))
      (memory (export "memory") 1)
      (func $begin ${parts.begin ?? ''})
      (start $begin)
      (func (export "wafer:app/lifecycle@0.1.0#start") (result i32) ${parts.start ?? ''} (i32.const 1024))
      (func (export "wafer:app/lifecycle@0.1.0#stop"))
      (func (export "wafer:app/timer@0.1.0#tick") (result i32) ${parts.tick ?? ''} (i32.const 1024)))`,
  );

export const FOREVER = '(loop (br 0))';
