/** A guest's message as people can read it. */
export interface Readable {
  readonly kind: 'json' | 'text';
  readonly text: string;
}

export function readable(payload: string): Readable {
  try {
    const value: unknown = JSON.parse(payload);
    return { kind: 'json', text: JSON.stringify(value, undefined, 2) };
  } catch {
    return { kind: 'text', text: payload };
  }
}
