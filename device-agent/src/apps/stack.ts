/**
 * A guest's own stack, out of what the engine and the guest's runtime say when it fails: the guest's
 * frames, named as its author named them, without those of our host and of the bindings. Pure; all text
 * that comes in was chosen by a guest, so every line is held to printable characters and a length.
 *
 * Two stacks are read. V8's has the WebAssembly frames, with names where the module kept its `name`
 * section. A JavaScript guest's is on its standard error instead: the engine inside it panics with the
 * exception in Rust's debug format, `Exception { message: Some("…"), stack: Some("    at …") }`.
 */

const MAX_FRAMES = 16;
const MAX_LINE_CHARACTERS = 160;
const MAX_WORDS_CHARACTERS = 900;

const WASM_FRAME = /^\s*at (?:(.+) \()?wasm:\/\/wasm\/[^:\s]*:(wasm-function\[\d+\]:0x[0-9a-f]+)\)?$/;
/** Frames of components' adapters and exports: what the fault says already, or what no author wrote. */
const BINDINGS = /^(adapter |(wasi|wafer):|cabi_|__wasm_call_|_start\.command_export$|__original_main$)/;
/** What stands between a Rust panic and its cause. */
const PANICKING =
  /^(__rust_|rust_(panic|begin_unwind)|_*rg_|std::(panicking|sys::backtrace|rt)::|core::(panicking|result::unwrap_failed|option::unwrap_failed)|<core::panic)/;
const RUST_HASH = /::h[0-9a-f]{16}$/;

/** Panics of the engine inside JavaScript guests: their place is in its sources, not the author's. */
const ENGINE_PANIC = /panicked at crates\/runtime\/src\//;
const PANIC_NOISE =
  /^note: run with `RUST_BACKTRACE=1`|^thread '.*' \(\d+\) panicked at crates\/runtime\/src\//;
const THREAD = /^thread '.*' \(\d+\) (?=panicked at )/;
const EXCEPTION =
  /Exception \{ message: Some\("((?:[^"\\]|\\.)*)"\), stack: (?:None|Some\("((?:[^"\\]|\\.)*)"\)) \}/s;

const printable = (line: string): string =>
  line.replaceAll(/[\p{Cc}\p{Cf}]/gu, '�').slice(0, MAX_LINE_CHARACTERS);

/** Undoes the escapes of Rust's debug format. */
const unescape = (text: string): string =>
  text.replaceAll(/\\(?:u\{([0-9a-f]{1,6})\}|(.))/gs, (_, code: string | undefined, letter: string) =>
    code === undefined
      ? ({ n: '\n', t: '\t', r: '\r' }[letter] ?? letter)
      : String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10_ffff)),
  );

const frame = (name: string): string => printable(`    at ${name}`);

/** Keeps the first ones, and says how many more there were. */
const bounded = (frames: readonly string[]): string[] =>
  frames.length <= MAX_FRAMES
    ? [...frames]
    : [...frames.slice(0, MAX_FRAMES), `    … ${frames.length - MAX_FRAMES} more`];

/**
 * The guest's frames in one of V8's stacks, each as `    at read_sensor (wasm-function[8]:0x1fe)`. Of
 * functions without names in a row the first is kept, with how many follow.
 */
export function wasmFrames(stack: string): string[] {
  const frames: string[] = [];
  let nameless = 0;
  const flush = (): void => {
    if (nameless > 1) frames.push(`    … ${nameless - 1} more without names`);
    nameless = 0;
  };
  for (const line of stack.split('\n')) {
    const [, spelled, place] = WASM_FRAME.exec(line) ?? [];
    if (place === undefined) continue;
    if (spelled === undefined) {
      nameless += 1;
      if (nameless === 1) frames.push(frame(place));
      continue;
    }
    const name = spelled.replace(RUST_HASH, '');
    if (BINDINGS.test(name) || PANICKING.test(name)) continue;
    flush();
    frames.push(frame(`${name} (${place})`));
  }
  flush();
  return bounded(frames);
}

/** Frames of a JavaScript guest as its engine prints them, `    at inner (/part.js:6:22)`. */
const scriptFrames = (stack: string): string[] =>
  bounded(
    stack
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('at '))
      .map((line) => frame(line.slice('at '.length))),
  );

/** What an error of the engine is called, without `RuntimeError:` and what repeats. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What a trap was, then the guest's frames. `lastWords` are its last lines on standard error. */
export function describeTrap(error: unknown, lastWords: readonly string[]): string {
  const words = lastWords.filter((line) => line !== '');
  const thrown = EXCEPTION.exec(words.join('\n'));
  if (thrown !== null) {
    const [, message = '', stack = ''] = thrown;
    const said = unescape(message).slice(0, MAX_WORDS_CHARACTERS);
    return [said, ...scriptFrames(unescape(stack))].join('\n');
  }
  const said = words
    .filter((line) => !PANIC_NOISE.test(line))
    .map((line) => line.replace(THREAD, ''))
    .join('\n')
    .slice(0, MAX_WORDS_CHARACTERS);
  // The engine's own frames tell the author of a script nothing.
  if (ENGINE_PANIC.test(words.join('\n')) && said !== '') return said;
  const frames = error instanceof Error ? wasmFrames(error.stack ?? '') : [];
  return [said, printable(reasonOf(error)), ...frames].filter((line) => line !== '').join('\n');
}

/** Of our own code: from sources a file, in a build the text that the thread was started with. */
const HOST_FRAME = /^\s*at (?:new )?(?:(\S+) \()?(?:file:\/\/\/|\[worker eval\]:)/;
/** Of the engine itself, such as `Array.map`. */
const NATIVE_FRAME = /\((?:<anonymous>|native)\)$/;

/**
 * Of the stack of an error that a capability threw, the function by which the guest came in, such as
 * `Descriptor.openAt`: the outermost of our frames above the bindings, below which are those of our caller.
 */
export function enteredBy(stack: string): string | undefined {
  let name: string | undefined;
  for (const line of stack.split('\n').slice(1)) {
    const found = HOST_FRAME.exec(line);
    if (found !== null) name = found[1]?.replace(/^Function\./, '');
    else if (!NATIVE_FRAME.test(line)) break;
  }
  return name;
}
