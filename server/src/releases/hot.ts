/** What devices ask for again and again, within a bound of bytes; the least recently asked for goes first. */
export interface Hot<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value, bytes: number): void;
}

export function createHot<Value>(maxBytes: number): Hot<Value> {
  const held = new Map<string, { value: Value; bytes: number }>();
  let total = 0;

  const drop = (key: string): void => {
    total -= held.get(key)?.bytes ?? 0;
    held.delete(key);
  };

  return {
    get(key) {
      const entry = held.get(key);
      if (entry === undefined) return undefined;
      held.delete(key);
      held.set(key, entry);
      return entry.value;
    },
    set(key, value, bytes) {
      drop(key);
      if (bytes > maxBytes) return;
      held.set(key, { value, bytes });
      total += bytes;
      for (const oldest of held.keys()) {
        if (total <= maxBytes) return;
        drop(oldest);
      }
    },
  };
}
