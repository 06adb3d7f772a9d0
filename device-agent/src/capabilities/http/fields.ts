/**
 * wasi:http's `fields`: headers and trailers. Names are compared without regard to case and kept as they were
 * written. A value is a string of bytes here, one character a byte.
 */
import { WitError } from '../host.ts';
import { bounded, type Holds } from './holds.ts';
import { isFieldValue, isForbidden, isToken } from './header-rules.ts';
import type { Header } from './port.ts';

type HeaderError = { tag: 'invalid-syntax' | 'forbidden' | 'immutable' };

/** All names and values of one `fields`, characters. */
const MAX_SECTION_CHARACTERS = 16 * 1024;
const MAX_ENTRIES = 256;

const refused = (tag: HeaderError['tag']): WitError<HeaderError> => new WitError<HeaderError>({ tag });

const decode = (value: Uint8Array): string => Buffer.from(value).toString('latin1');
const encode = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));

const is = (name: string): ((header: Header) => boolean) => {
  const wanted = name.toLowerCase();
  return ([each]) => each.toLowerCase() === wanted;
};

const isNot = (name: string): ((header: Header) => boolean) => {
  const matches = is(name);
  return (each) => !matches(each);
};

function header(name: string, value: Uint8Array): Header {
  bounded(value.length <= MAX_SECTION_CHARACTERS, `${MAX_SECTION_CHARACTERS} bytes of headers`);
  const text = decode(value);
  if (!isToken(name) || !isFieldValue(text)) throw refused('invalid-syntax');
  if (isForbidden(name)) throw refused('forbidden');
  return [name, text];
}

/** Makes the class anew for each guest, so that it counts what that guest holds. */
export function createFields(holds: Holds) {
  return class Fields {
    #entries: readonly Header[] = [];
    #isImmutable = false;

    constructor() {
      holds.take();
    }

    /** What the host received; the guest can not change it. */
    static received(entries: readonly Header[]): Fields {
      const fields = new Fields();
      fields.#entries = entries;
      fields.#isImmutable = true;
      return fields;
    }

    static fromList(entries: readonly (readonly [string, Uint8Array])[]): Fields {
      bounded(entries.length <= MAX_ENTRIES, `${MAX_ENTRIES} headers`);
      const checked = entries.map(([name, value]) => header(name, value));
      const fields = new Fields();
      fields.#change(checked);
      return fields;
    }

    [Symbol.dispose](): void {
      holds.give();
    }

    get list(): readonly Header[] {
      return this.#entries;
    }

    /** The same entries for good. */
    frozen(): Fields {
      return Fields.received(this.#entries);
    }

    get(name: string): Uint8Array[] {
      return this.#entries.filter(is(name)).map(([, value]) => encode(value));
    }

    has(name: string): boolean {
      return this.#entries.some(is(name));
    }

    set(name: string, values: readonly Uint8Array[]): void {
      bounded(values.length <= MAX_ENTRIES, `${MAX_ENTRIES} headers`);
      const added = values.map((value) => header(name, value));
      if (added.length === 0) header(name, new Uint8Array());
      this.#change([...this.#entries.filter(isNot(name)), ...added]);
    }

    delete(name: string): void {
      header(name, new Uint8Array());
      this.#change(this.#entries.filter(isNot(name)));
    }

    append(name: string, value: Uint8Array): void {
      this.#change([...this.#entries, header(name, value)]);
    }

    entries(): [string, Uint8Array][] {
      return this.#entries.map(([name, value]) => [name, encode(value)]);
    }

    clone(): Fields {
      const fields = new Fields();
      fields.#entries = this.#entries;
      return fields;
    }

    #change(entries: readonly Header[]): void {
      if (this.#isImmutable) throw refused('immutable');
      const characters = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
      bounded(entries.length <= MAX_ENTRIES, `${MAX_ENTRIES} headers`);
      bounded(characters <= MAX_SECTION_CHARACTERS, `${MAX_SECTION_CHARACTERS} bytes of headers`);
      this.#entries = entries;
    }
  };
}

export type FieldsClass = ReturnType<typeof createFields>;
export type Fields = InstanceType<FieldsClass>;
