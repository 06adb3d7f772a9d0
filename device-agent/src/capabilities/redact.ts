/**
 * Keeps secrets out of what a guest says. Every occurrence of a value in a log line or a fault is
 * replaced by the secret's name, also where the guest wrote it in a usual disguise: base64 (within other
 * text that was encoded along with it, too), hexadecimal, as a JSON string, percent-encoded, or one line
 * of it. Values under six bytes stand in too many innocent words and are left alone.
 *
 * This is against accidents, such as a URL with its key in an error. A guest that wants to give a secret
 * away can, wherever it may send to.
 */
const LEAST_BYTES = 6;

interface Form {
  readonly text: string;
  readonly bytes: Buffer;
  readonly mark: string;
}

/** Base64 of the whole groups of three that a value covers when it begins `offset` bytes into a group. */
function insideBase64(value: Buffer, offset: number): string[] {
  const skipped = (3 - offset) % 3;
  const groups = Math.floor((value.length - skipped) / 3);
  const inner = value.subarray(skipped, skipped + groups * 3);
  return [inner.toString('base64'), inner.toString('base64url')];
}

const plainForms = (value: Buffer): string[] => {
  const text = value.toString('utf8');
  return [
    text,
    value.toString('latin1'),
    ...text.split(/\r?\n/).map((line) => line.trim()),
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text.toWellFormed()),
  ];
};

const encodedForms = (value: Buffer): string[] => [
  value.toString('base64').replace(/=+$/, ''),
  value.toString('base64url'),
  ...[0, 1, 2].flatMap((offset) => insideBase64(value, offset)),
  value.toString('hex'),
  value.toString('hex').toUpperCase(),
];

function formsOf(name: string, secret: Uint8Array): Form[] {
  if (secret.length < LEAST_BYTES) return [];
  const value = Buffer.from(secret);
  const texts = new Set([...plainForms(value), ...encodedForms(value)]);
  const long = [...texts].filter((text) => text.length >= LEAST_BYTES);
  return long.map((text) => ({ text, bytes: Buffer.from(text, 'utf8'), mark: `[secret ${name}]` }));
}

export class Redactor {
  /** The longest first, so that a part of a form never hides the whole. */
  readonly #forms: readonly Form[];
  /** Of the longest form, bytes; 0 when nothing is looked for. */
  readonly longestBytes: number;

  constructor(secrets: Readonly<Record<string, Uint8Array>>) {
    this.#forms = Object.entries(secrets)
      .flatMap(([name, value]) => formsOf(name, value))
      .toSorted((a, b) => b.text.length - a.text.length);
    this.longestBytes = Math.max(0, ...this.#forms.map(({ bytes }) => bytes.length));
  }

  /** At most `characters` of it, without secrets: what is too long is cut first, and no secret divided. */
  text(text: string, characters = Infinity): string {
    let shown = text.length > characters ? text.slice(0, this.cut(text, characters)) : text;
    for (const form of this.#forms) shown = shown.replaceAll(form.text, () => form.mark);
    return shown.slice(0, characters);
  }

  /** Where what goes on may be cut, at `at` or before it if that would divide a secret. */
  cut(said: Buffer | string, at: number): number {
    for (let end = at; ;) {
      const divided = this.#dividedBy(said, end);
      if (divided === undefined) return end;
      // A secret that it begins with goes out whole.
      if (divided.start === 0) return divided.end;
      end = divided.start;
    }
  }

  #dividedBy(said: Buffer | string, at: number): { start: number; end: number } | undefined {
    for (const { text, bytes } of this.#forms) {
      const { length } = typeof said === 'string' ? text : bytes;
      const from = Math.max(0, at - length + 1);
      // No further than a secret that is divided could begin.
      const near =
        typeof said === 'string' ? said.slice(from, at + length) : said.subarray(from, at + length);
      const start = typeof near === 'string' ? near.indexOf(text) : near.indexOf(bytes);
      if (start !== -1 && from + start < at) return { start: from + start, end: from + start + length };
    }
    return undefined;
  }
}
