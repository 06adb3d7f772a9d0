/** A small service written by hand: it says, waits, sends and grows as its body tells it to. */
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';

const WIT = `package fixture:service;

package wasi:io@0.2.6 {
  interface error { resource error; }
  interface poll { resource pollable { block: func(); } }
  interface streams {
    use error.{error};
    variant stream-error { last-operation-failed(error), closed }
    resource output-stream {
      blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
    }
  }
}
package wasi:cli@0.2.6 {
  interface run { run: func() -> result; }
  interface exit { exit: func(status: result); }
  interface stdout {
    use wasi:io/streams@0.2.6.{output-stream};
    get-stdout: func() -> output-stream;
  }
}
package wasi:clocks@0.2.6 {
  interface monotonic-clock {
    use wasi:io/poll@0.2.6.{pollable};
    subscribe-duration: func(when: u64) -> pollable;
  }
}
package wasi:messaging@0.2.0-draft {
  interface types {
    resource client { connect: static func(name: string) -> result<client, error>; }
    variant error { timeout, connection(string), permission-denied(string), other(string) }
    resource message { constructor(data: list<u8>); }
  }
  interface producer {
    use types.{client, message, error};
    send: func(c: borrow<client>, topic: string, message: message) -> result<_, error>;
  }
}

world service {
  import wasi:cli/exit@0.2.6;
  import wasi:cli/stdout@0.2.6;
  import wasi:clocks/monotonic-clock@0.2.6;
  import wasi:messaging/types@0.2.0-draft;
  import wasi:messaging/producer@0.2.0-draft;
  export wasi:cli/run@0.2.6;
}
`;

/**
 * `body` leaves 0 (ok) or 1 (err) on the stack. It may call `$say` (a line), `$mutter` (text without an
 * end of line), `$rest` (milliseconds), `$send` (a message on `out/beat`), `$sneak` (one on `no/beat`),
 * `$grow` (pages) and `$exit`; `$n` is a local that begins with 0.
 */
export const service = async (body: string): Promise<Uint8Array> => {
  const binary = await parse(`(module
    (import "wasi:cli/exit@0.2.6" "exit" (func $exit (param i32)))
    (import "wasi:cli/stdout@0.2.6" "get-stdout" (func $stdout (result i32)))
    (import "wasi:io/streams@0.2.6" "[method]output-stream.blocking-write-and-flush"
      (func $write (param i32 i32 i32 i32)))
    (import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $after (param i64) (result i32)))
    (import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:messaging/types@0.2.0-draft" "[static]client.connect" (func $connect (param i32 i32 i32)))
    (import "wasi:messaging/types@0.2.0-draft" "[constructor]message" (func $message (param i32 i32) (result i32)))
    (import "wasi:messaging/producer@0.2.0-draft" "send" (func $post (param i32 i32 i32 i32 i32)))
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 2048))
    (data (i32.const 0) "alive\\0a") (data (i32.const 16) "waiting") (data (i32.const 32) "out/beat")
    (data (i32.const 48) "no/beat")
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $free)
      (global.set $free (i32.add (global.get $free) (local.get 3))))
    (func $text (param i32 i32)
      (call $write (call $stdout) (local.get 0) (local.get 1) (i32.const 1024)))
    (func $say (call $text (i32.const 0) (i32.const 6)))
    (func $mutter (call $text (i32.const 16) (i32.const 7)))
    (func $rest (param i64)
      (call $block (call $after (i64.mul (local.get 0) (i64.const 1000000)))))
    (func $to (param i32 i32)
      (call $connect (i32.const 0) (i32.const 0) (i32.const 1100))
      (call $post (i32.load (i32.const 1104)) (local.get 0) (local.get 1)
        (call $message (i32.const 0) (i32.const 5)) (i32.const 1200)))
    (func $send (call $to (i32.const 32) (i32.const 8)))
    (func $sneak (call $to (i32.const 48) (i32.const 7)))
    (func $grow (param i32) (drop (memory.grow (local.get 0))))
    (func (export "wasi:cli/run@0.2.6#run") (result i32) (local $n i32) ${body}))`);
  return componentNew(await componentEmbed({ binary, witSource: WIT, world: 'service' }));
};

/** Repeats, waiting a little each time. */
export const everyTurn = (body: string): string =>
  `(loop $again ${body} (call $rest (i64.const 20)) (local.set $n (i32.add (local.get $n) (i32.const 1))) (br $again))
   (i32.const 0)`;
