/**
 * What the generated bindings get in place of globals through which a guest could make them hold more of
 * the host's memory than an isolate has. V8 ends the whole process when one allocation goes far beyond an
 * isolate's heap, so none may be as large as a guest likes: not the table of its handles, not a text, not
 * a list. What lies below these bounds ends, at worst, the isolate.
 *
 * `boundBindings` puts the calls of those with a `$` into the script while it is made; the rest is handed to it
 * under the names of the globals.
 */
import { Refusal } from '../capabilities/host.ts';

/** Handles of one kind (streams, messages, pollables …) that a guest may hold at a time. */
const MAX_HANDLES = 4096;
/** Longest text in one argument or result, bytes. */
const MAX_TEXT_BYTES = 1024 * 1024;
/** Longest list in one argument or result, other than of bytes. */
const MAX_LIST = 65_536;

/**
 * Texts and bytes in all arguments of one call together: a list may name the same megabyte thousands of times.
 * What stands alone is no larger than the guest's own memory.
 */
const MAX_COPIED_BYTES = 32 * 1024 * 1024;

const over = (bound: string): Refusal =>
  new Refusal('memory-limit', `The guest went over the bound of ${bound}.`, bound);

/** Holds the handles of one kind, by number. */
class BoundedMap<K, V> extends Map<K, V> {
  override set(key: K, value: V): this {
    if (this.size >= MAX_HANDLES && !this.has(key)) {
      throw over(`${MAX_HANDLES} handles of one kind held at a time`);
    }
    return super.set(key, value);
  }
}

let copies = 0;
let copiedBytes = 0;

/** A call begins: of the guest, or of an import by it. */
export const entered = (): void => {
  copies = 0;
  copiedBytes = 0;
};

/** Answers the bytes that are about to be copied, or throws. */
const copied = (bytes: number): number => {
  copies += 1;
  copiedBytes += bytes;
  if (copies > 1 && copiedBytes > MAX_COPIED_BYTES) {
    throw over(`${MAX_COPIED_BYTES} bytes in the arguments of one call`);
  }
  return bytes;
};

class BoundedDecoder {
  readonly #decoder: InstanceType<typeof TextDecoder>;

  constructor(encoding?: string) {
    this.#decoder = new TextDecoder(encoding);
  }

  decode(bytes: Uint8Array | Uint16Array): string {
    if (bytes.byteLength > MAX_TEXT_BYTES) throw over(`${MAX_TEXT_BYTES} bytes in a text`);
    copied(bytes.byteLength);
    return this.#decoder.decode(bytes);
  }
}

const checkList = (length: number): void => {
  if (length > MAX_LIST) throw over(`${MAX_LIST} elements in a list`);
};

/** Name in the bindings → what stands there. */
export const BOUNDED: Readonly<Record<string, unknown>> = {
  Map: BoundedMap,
  TextDecoder: BoundedDecoder,
  $bounded: checkList,
  $entered: entered,
  $copied: copied,
};
