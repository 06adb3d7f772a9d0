/** Guests written by hand in WebAssembly's text, for what no compiler would make. */
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';

/** The parts of the interfaces that attacks use; a component may import less than an interface has. */
const WIT = `package fixture:handmade;

package wasi:io@0.2.6 {
  interface poll {
    resource pollable;
    poll: func(in: list<borrow<pollable>>) -> list<u32>;
  }
  interface streams {
    resource output-stream { write: func(contents: list<u8>) -> result; }
  }
}
package wasi:cli@0.2.6 {
  interface run { run: func() -> result; }
  interface stdout { use wasi:io/streams@0.2.6.{output-stream}; get-stdout: func() -> output-stream; }
}
package wasi:clocks@0.2.6 {
  interface monotonic-clock {
    use wasi:io/poll@0.2.6.{pollable};
    subscribe-duration: func(when: u64) -> pollable;
  }
}
package wasi:logging@0.1.0-draft {
  interface logging {
    enum level { trace, debug, info, warn, error, critical }
    log: func(level: level, context: string, message: string);
  }
}
package wasi:messaging@0.2.0-draft {
  interface types {
    variant error { timeout, connection(string), permission-denied(string), other(string) }
    type topic = string;
    resource message {
      constructor(data: list<u8>);
      set-metadata: func(meta: list<tuple<string, string>>);
    }
  }
  interface incoming-handler {
    use types.{message, error};
    handle: func(message: message) -> result<_, error>;
  }
}
package wasi:filesystem@0.2.6 {
  interface types {
    resource descriptor { sync: func() -> result; }
  }
}
package wasi:http@0.2.6 {
  interface types {
    resource fields { constructor(); }
    resource outgoing-request { constructor(headers: fields); }
    resource future-incoming-response;
  }
  interface outgoing-handler {
    use types.{outgoing-request, future-incoming-response};
    handle: func(request: outgoing-request, options: option<u32>) -> result<future-incoming-response, u32>;
  }
}
package wasi:sockets@0.2.6 {
  interface network { resource network; }
  interface instance-network { use network.{network}; instance-network: func() -> network; }
  interface ip-name-lookup {
    use network.{network};
    resource resolve-address-stream;
    resolve-addresses: func(network: borrow<network>, name: string) -> result<resolve-address-stream, u32>;
  }
}
package wafer:app@0.1.0 {
  interface lifecycle { start: func() -> result<_, string>; stop: func(); }
  interface health { check: func() -> result<_, string>; }
  interface timer { tick: func() -> result<_, string>; }
  interface state { save: func() -> list<u8>; restore: func(snapshot: list<u8>) -> result<_, string>; }
}

world guest {
  import wasi:io/poll@0.2.6;
  import wasi:io/streams@0.2.6;
  import wasi:cli/stdout@0.2.6;
  import wasi:clocks/monotonic-clock@0.2.6;
  import wasi:logging/logging@0.1.0-draft;
  import wasi:messaging/types@0.2.0-draft;
  import wasi:filesystem/types@0.2.6;
  import wasi:http/types@0.2.6;
  import wasi:http/outgoing-handler@0.2.6;
  import wasi:sockets/instance-network@0.2.6;
  import wasi:sockets/ip-name-lookup@0.2.6;
  export wafer:app/lifecycle@0.1.0;
  export wafer:app/health@0.1.0;
  export wafer:app/timer@0.1.0;
  export wafer:app/state@0.1.0;
  export wasi:messaging/incoming-handler@0.2.0-draft;
}
world command { export wasi:cli/run@0.2.6; }
`;

/** Name in the text → what it imports, and its type. Only those that the text mentions are imported. */
const IMPORTS: Readonly<Record<string, string>> = {
  poll: '"wasi:io/poll@0.2.6" "poll" (func $poll (param i32 i32 i32))',
  pollable:
    '"wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $pollable (param i64) (result i32))',
  stdout: '"wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32))',
  write:
    '"wasi:io/streams@0.2.6" "[method]output-stream.write" (func $write (param i32 i32 i32) (result i32))',
  log: '"wasi:logging/logging@0.1.0-draft" "log" (func $log (param i32 i32 i32 i32 i32))',
  message:
    '"wasi:messaging/types@0.2.0-draft" "[constructor]message" (func $message (param i32 i32) (result i32))',
  metadata:
    '"wasi:messaging/types@0.2.0-draft" "[method]message.set-metadata" (func $metadata (param i32 i32 i32))',
  sync: '"wasi:filesystem/types@0.2.6" "[method]descriptor.sync" (func $sync (param i32) (result i32))',
  fields: '"wasi:http/types@0.2.6" "[constructor]fields" (func $fields (result i32))',
  request: '"wasi:http/types@0.2.6" "[constructor]outgoing-request" (func $request (param i32) (result i32))',
  handle: '"wasi:http/outgoing-handler@0.2.6" "handle" (func $handle (param i32 i32 i32 i32))',
  network: '"wasi:sockets/instance-network@0.2.6" "instance-network" (func $network (result i32))',
  resolve: '"wasi:sockets/ip-name-lookup@0.2.6" "resolve-addresses" (func $resolve (param i32 i32 i32 i32))',
};

/** Bodies of the exports; each answers ok unless it traps. `more` stands beside them in the module. */
export interface Bodies {
  readonly begin?: string;
  readonly start?: string;
  readonly stop?: string;
  readonly check?: string;
  readonly tick?: string;
  readonly save?: string;
  readonly restore?: string;
  readonly handle?: string;
  readonly more?: string;
  readonly imports?: string;
  /** The module's first memory; `(memory (export "memory") 2)` unless said otherwise. */
  readonly memory?: string;
}

/** Where nothing else is written: an `ok` result, and an empty list, and room for answers. */
const OK = '(i32.const 1024)';

async function component(world: string, wat: string): Promise<Uint8Array> {
  const binary = await parse(wat);
  return componentNew(await componentEmbed({ binary, witSource: WIT, world }));
}

/** A reactor with every export. */
export function reactor(bodies: Bodies): Promise<Uint8Array> {
  const text = Object.values(bodies).join(' ');
  const imports = Object.entries(IMPORTS).filter(([name]) => new RegExp(`\\$${name}\\b`).test(text));
  const { memory = '(memory (export "memory") 2)' } = bodies;
  return component(
    'guest',
    `(module
      ${imports.map(([, spelled]) => `(import ${spelled})`).join('\n')}
      ${bodies.imports ?? ''}
      ${memory}
      ${bodies.more ?? ''}
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 2048))
      (func $begin ${bodies.begin ?? ''})
      (start $begin)
      (func (export "wafer:app/lifecycle@0.1.0#start") (result i32) ${bodies.start ?? ''} ${OK})
      (func (export "wafer:app/lifecycle@0.1.0#stop") ${bodies.stop ?? ''})
      (func (export "wafer:app/health@0.1.0#check") (result i32) ${bodies.check ?? ''} ${OK})
      (func (export "wafer:app/timer@0.1.0#tick") (result i32) ${bodies.tick ?? ''} ${OK})
      (func (export "wafer:app/state@0.1.0#save") (result i32) ${bodies.save ?? ''} ${OK})
      (func (export "wafer:app/state@0.1.0#restore") (param i32 i32) (result i32) ${bodies.restore ?? ''} ${OK})
      (func (export "wasi:messaging/incoming-handler@0.2.0-draft#handle") (param i32) (result i32)
        ${bodies.handle ?? ''} ${OK}))`,
  );
}

/** `run` leaves 0 (ok) or 1 (err) on the stack. */
export const command = (run: string): Promise<Uint8Array> =>
  component(
    'command',
    `(module (memory (export "memory") 1) (func (export "wasi:cli/run@0.2.6#run") (result i32) ${run}))`,
  );

export const FOREVER = '(loop (br 0))';

/** Repeats `body` forever. */
export const again = (body: string): string => `(loop ${body} (br 0))`;
