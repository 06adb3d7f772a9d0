/**
 * Many who ask for the same thing at the same time are answered by one look at the database. Whoever asks
 * while a look is under way is answered by the next one, never by that: it may have begun before what they
 * were told of had been committed.
 */
interface Looking<Value> {
  readonly now: Promise<Value>;
  next: Promise<Value> | undefined;
}

export function together<Value>(look: (key: string) => Promise<Value>): (key: string) => Promise<Value> {
  const underWay = new Map<string, Looking<Value>>();

  function begin(key: string): Promise<Value> {
    const now = look(key);
    const looking: Looking<Value> = { now, next: undefined };
    underWay.set(key, looking);
    const end = (): void => {
      if (underWay.get(key) === looking && looking.next === undefined) underWay.delete(key);
    };
    now.then(end, end);
    return now;
  }

  return (key) => {
    const looking = underWay.get(key);
    if (looking === undefined) return begin(key);
    looking.next ??= looking.now.then(
      () => begin(key),
      () => begin(key),
    );
    return looking.next;
  };
}
