/**
 * What a guest was refused in one call, on its way to the main thread. The first of each kind and subject
 * is told at once, so that it is known even if the call never returns; repeats are counted and told when
 * the call ends. What a guest can make the host remember and send is bounded, whatever subjects it thinks up.
 */
import type { FaultKind } from '@wafer/protocol';
import type { Refusal } from '../capabilities/host.ts';

/** Subjects of one call that are told apart; those beyond are counted together, by kind. */
const MAX_SUBJECTS = 16;
const MAX_TEXT_CHARACTERS = 300;

export interface Refused {
  readonly kind: FaultKind;
  readonly message: string;
  readonly subject: string;
}

export class Refusals {
  readonly #tell: (refused: Refused, count: number) => void;
  readonly #seen = new Map<string, { readonly refused: Refused; untold: number }>();

  constructor(tell: (refused: Refused, count: number) => void) {
    this.#tell = tell;
  }

  add({ kind, message, subject }: Refusal): void {
    const cut = subject.slice(0, MAX_TEXT_CHARACTERS);
    const known = this.#seen.get(`${kind} ${cut}`);
    const isOver = known === undefined && this.#seen.size >= MAX_SUBJECTS;
    const key = isOver ? kind : `${kind} ${cut}`;
    const entry = known ?? this.#seen.get(key);
    if (entry !== undefined) {
      entry.untold += 1;
      return;
    }
    const refused = {
      kind,
      message: message.slice(0, MAX_TEXT_CHARACTERS),
      subject: isOver ? 'others' : cut,
    };
    this.#seen.set(key, { refused, untold: 0 });
    this.#tell(refused, 1);
  }

  /** The call has ended: tells how often each was repeated. */
  end(): void {
    for (const { refused, untold } of this.#seen.values()) if (untold > 0) this.#tell(refused, untold);
    if (this.#seen.size > 0) this.#seen.clear();
  }
}
