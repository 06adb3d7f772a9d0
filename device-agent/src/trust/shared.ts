/**
 * Verification of TUF metadata, shared by the devices of one process: what one device has verified
 * (chain.ts), another that stands at the same place, and is answered with the same bytes, need not
 * compute again.
 *
 * Every device asks the server for its own metadata and looks at what comes, byte for byte. A run of the
 * chain is a pure function of the files that it begins with, of the answers, and of the instant; its only
 * use of the instant is to ask what has expired. So the outcome of a run holds for whoever began with the
 * same files, got the same answers, and is not earlier than that run, nor so late that something of it has
 * expired. Whoever departs from what is known at any point does all of it by itself, and is remembered in
 * turn. What does not verify is never remembered: each device finds that out for itself.
 */
import { createHash } from 'node:crypto';
import type { TargetFile } from '@tufjs/models';
import { Chain, targetOf, type Files, type Target, type Verifier, type VerifierOf } from './chain.ts';
import type { Fetcher } from './fetcher.ts';
import { digestOf } from './generations.ts';

/** Files that verified, and from when to when that holds, ms since 1970. */
interface Place {
  readonly files: Files;
  readonly at: number;
  readonly expires: number;
  readonly hasConsistentSnapshots: boolean;
}

interface Found {
  readonly place: Place;
  readonly found: TargetFile | undefined;
}

interface Asked {
  readonly role: string;
  readonly version: number | undefined;
  readonly maxBytes: number;
}

/** What a run does next, after the answers that led here; undefined while nobody has come so far. */
interface Turn<T> {
  next: { readonly asks: Asked; readonly answers: Map<string, Turn<T>> } | { readonly ends: T } | undefined;
}

/** Everything that was ever done with these files. */
interface Known {
  readonly refresh: Turn<Place>;
  readonly verified: Turn<Place>;
  readonly finds: Map<string, Turn<Found>>;
}

/** Places that are remembered; a fleet moves through a few at a time. */
const MAX_PLACES = 64;

const NO_ANSWER = 'none';
const sha256 = (bytes: Buffer | undefined): string =>
  bytes === undefined ? NO_ANSWER : createHash('sha256').update(bytes).digest('base64url');

const isSame = (a: Asked, b: Asked): boolean =>
  a.role === b.role && a.version === b.version && a.maxBytes === b.maxBytes;

function answered<T>(answers: Map<string, Turn<T>>, bytes: Buffer | undefined): Turn<T> {
  const key = sha256(bytes);
  const known = answers.get(key);
  if (known !== undefined) return known;
  const fresh: Turn<T> = { next: undefined };
  answers.set(key, fresh);
  return fresh;
}

interface Run<T> {
  readonly start: Turn<T>;
  readonly fetcher: Fetcher;
  /** Whether an outcome holds at this run's instant. */
  readonly holds: (value: T) => boolean;
  /** The whole of it, with nothing taken from others. */
  readonly perform: (fetcher: Fetcher) => Promise<T>;
}

/** Asks what others in this place asked; as long as the answers are theirs too, so is the outcome. */
async function follow<T>(run: Run<T>): Promise<T> {
  const answers: (Buffer | undefined)[] = [];
  let turn = run.start;
  while (turn.next !== undefined && 'asks' in turn.next) {
    const { asks, answers: known } = turn.next;
    const bytes = await run.fetcher.metadata(asks.role, asks.version, asks.maxBytes);
    answers.push(bytes);
    turn = answered(known, bytes);
  }
  if (turn.next !== undefined && 'ends' in turn.next) {
    if (run.holds(turn.next.ends)) return turn.next.ends;
    turn.next = undefined;
  }
  return remember(run, answers);
}

async function remember<T>({ start, fetcher, perform }: Run<T>, got: (Buffer | undefined)[]): Promise<T> {
  let turn: Turn<T> | undefined = start;
  const left = got.values();
  const value = await perform({
    async metadata(role, version, maxBytes) {
      const asks = { role, version, maxBytes };
      if (turn !== undefined) turn.next ??= { asks, answers: new Map() };
      const at = turn?.next;
      // What it asks may depend on the instant; then there is nothing to be remembered of it.
      const isKnown = at !== undefined && 'asks' in at && isSame(at.asks, asks);
      const already = left.next();
      const bytes = already.done === true ? await fetcher.metadata(role, version, maxBytes) : already.value;
      turn = isKnown ? answered(at.answers, bytes) : undefined;
      return bytes;
    },
  });
  if (turn !== undefined) turn.next ??= { ends: value };
  return value;
}

const placeOf = (chain: Chain, at: number): Place => ({
  files: chain.files,
  at,
  expires: chain.expires,
  hasConsistentSnapshots: chain.hasConsistentSnapshots,
});

class SharedRun implements Verifier {
  readonly #known: (files: Files) => Known;
  readonly #fetcher: Fetcher;
  readonly #at: number;
  #place: Place;

  constructor(known: (files: Files) => Known, files: Files, fetcher: Fetcher, at: number) {
    this.#known = known;
    this.#fetcher = fetcher;
    this.#at = at;
    this.#place = { files, at, expires: Infinity, hasConsistentSnapshots: true };
  }

  get files(): Files {
    return this.#place.files;
  }

  get expires(): number {
    return this.#place.expires;
  }

  get hasConsistentSnapshots(): boolean {
    return this.#place.hasConsistentSnapshots;
  }

  async refresh(): Promise<void> {
    const { files } = this.#place;
    this.#place = await this.#follow(this.#known(files).refresh, async (fetcher) => {
      const chain = new Chain(files, fetcher, this.#at);
      try {
        await chain.refresh();
      } finally {
        // What verified is kept, however far it came.
        this.#place = { ...this.#place, files: chain.files };
      }
      return placeOf(chain, this.#at);
    });
  }

  async verifyFiles(): Promise<void> {
    const { files } = this.#place;
    this.#place = await this.#follow(this.#known(files).verified, (fetcher) => {
      const chain = new Chain(files, fetcher, this.#at);
      chain.verifyFiles();
      return Promise.resolve(placeOf(chain, this.#at));
    });
  }

  async find(path: string): Promise<TargetFile | undefined> {
    const { files } = this.#place;
    const { finds } = this.#known(files);
    const start: Turn<Found> = finds.get(path) ?? { next: undefined };
    finds.set(path, start);
    const { place, found } = await follow({
      start,
      fetcher: this.#fetcher,
      holds: (value) => this.#holds(value.place),
      perform: async (fetcher) => {
        const chain = new Chain(files, fetcher, this.#at);
        chain.verifyFiles();
        const target = await chain.find(path);
        return { place: placeOf(chain, this.#at), found: target };
      },
    });
    this.#place = place;
    return found;
  }

  async target(path: string): Promise<Target | undefined> {
    return targetOf(await this.find(path));
  }

  #follow(start: Turn<Place>, perform: Run<Place>['perform']): Promise<Place> {
    return follow({ start, fetcher: this.#fetcher, holds: (place) => this.#holds(place), perform });
  }

  #holds({ at, expires }: Place): boolean {
    return at <= this.#at && this.#at < expires;
  }
}

/** Verifiers that share what they learn. */
export function sharedVerification(): VerifierOf {
  const places = new Map<string, Known>();
  const digests = new WeakMap<Files, string>();
  const known = (files: Files): Known => {
    const digest = digests.get(files) ?? digestOf(files);
    digests.set(files, digest);
    let place = places.get(digest);
    if (place === undefined) {
      place = { refresh: { next: undefined }, verified: { next: undefined }, finds: new Map() };
      const [oldest] = places.keys();
      if (places.size >= MAX_PLACES && oldest !== undefined) places.delete(oldest);
      places.set(digest, place);
    }
    return place;
  };
  return (files, fetcher, at) => new SharedRun(known, files, fetcher, at);
}
