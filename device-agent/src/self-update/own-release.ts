/**
 * The agent's own release: `wafer-agent` is an app like any other to the server, to the order, to the trust
 * chain and to the plan; only what it means to prepare, swap and stop it is another matter, and stands here.
 *
 *   prepare   the verified bundle is unpacked beside the agent that runs
 *   swap      the link `next` is set, this process ends with SWITCH_CODE, and the starter starts the release
 *             on trial. That one comes here again, by the same order, finds that it is what is wanted, waits
 *             until the server has acknowledged a report of it, and keeps itself. If the starter gave it up,
 *             the agent before comes here again and rejects with the reason.
 *   stop      the package's own agent runs again
 *
 * Invariants: a link is set only to what was unpacked whole of bytes that `wafer-agent`'s publisher signed;
 * whenever the power goes, the starter finds one whole agent; the agent that ran goes on when the new one is
 * bad, without help and within a minute.
 */
import { Digest, FaultError, type FaultKind, type SwapFigures, type Version } from '@wafer/protocol';
import type { AppSpec, Prepared } from '../apps/runtime.ts';
import { Links, type GivenUp } from './links.ts';
import { isOlder, unpack } from './unpack.ts';

/** Ends the process so that the starter looks at the links again. */
export const SWITCH_CODE = 85;

/** What the starter says to the agent that it starts. */
export interface Start {
  /** Undefined: the package's own agent. */
  readonly release: Digest | undefined;
  readonly isTrial: boolean;
}

/** Undefined where no starter started this process. */
export function startOf(environment: NodeJS.ProcessEnv): Start | undefined {
  if (environment['WAFER_AGENT_STARTER'] !== '1') return undefined;
  const release = Digest.safeParse(environment['WAFER_AGENT_RELEASE']).data;
  return { release, isTrial: (environment['WAFER_AGENT_TRIAL'] ?? '') !== '' };
}

export interface OwnReleaseOptions {
  readonly dataFolder: string;
  readonly start: Start | undefined;
  /** Of this very code. */
  readonly version: string;
  /** Closes everything and ends the process with SWITCH_CODE. */
  readonly leave: () => void;
  /** ms, monotonic. */
  readonly now: () => number;
}

/** A stop is carried out when no start has followed it for so long, ms. */
const STOP_AFTER_MS = 2000;

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export class OwnRelease {
  readonly #options: OwnReleaseOptions;
  readonly #links: Links;
  #isTrial: boolean;
  #stoppedAt: number | undefined;
  #hasReported = false;
  #reported = () => {};
  readonly #report = new Promise<void>((resolve) => (this.#reported = resolve));

  private constructor(options: OwnReleaseOptions, links: Links) {
    this.#options = options;
    this.#links = links;
    this.#isTrial = options.start?.isTrial === true;
  }

  static async open(options: OwnReleaseOptions): Promise<OwnRelease> {
    return new OwnRelease(options, await Links.open(options.dataFolder));
  }

  /** The server has acknowledged a report of this process. */
  acknowledged(): void {
    if (this.#hasReported) return;
    this.#hasReported = true;
    this.#reported();
  }

  async prepare(digest: Digest, bytes: Uint8Array): Promise<Prepared> {
    this.#mustHaveStarter();
    const started = this.#options.now();
    await this.#links.prune([digest]);
    const folder = await unpack(this.#links, digest, bytes);
    return { digest, folder, prepareMs: this.#options.now() - started };
  }

  async swap(
    { app, version, digest }: AppSpec,
    { prepareMs }: Prepared,
    onStage: (stage: 'starting' | 'probing') => void,
    cause: NonNullable<SwapFigures['cause']>,
  ): Promise<SwapFigures> {
    const { release } = this.#mustHaveStarter();
    const figures: SwapFigures = { cause, prepareMs, lostCalls: 0 };
    this.#stoppedAt = undefined;
    onStage('starting');
    if (cause === 'restart') return this.#leave();
    // What ran before is wanted until the one on trial has proved itself; it stands by on disk.
    if (this.#isTrial && cause === 'start' && release !== digest) return figures;
    if (release !== digest) {
      await (cause === 'start' ? this.#return(version, digest) : this.#try(app, version, digest));
      return this.#leave();
    }
    if (this.#isTrial) {
      onStage('probing');
      await this.#report;
      await this.#links.keep();
      this.#isTrial = false;
    }
    return figures;
  }

  /** Once the caller has written down why. */
  stop(): void {
    this.#stoppedAt = this.#options.now();
  }

  /** Call now and then. */
  async tick(): Promise<void> {
    const { start, now, leave } = this.#options;
    if (this.#stoppedAt === undefined || now() - this.#stoppedAt < STOP_AFTER_MS) return;
    this.#stoppedAt = undefined;
    if (start?.release === undefined) return;
    await this.#links.leave();
    leave();
  }

  #mustHaveStarter(): Start {
    const { start } = this.#options;
    if (start !== undefined) return start;
    throw new FaultError(
      'incompatible',
      'this agent was not started by the starter of its package, so it cannot replace itself: install the package',
      'wafer-agent',
    );
  }

  /** What is installed, and was kept once; no trial, so that it needs no network. */
  async #return(version: Version, digest: Digest): Promise<void> {
    const { start, version: own } = this.#options;
    if (start?.release === undefined && isOlder(version, own)) {
      throw new FaultError(
        'policy',
        `the package on this board brought agent ${own}, which is newer than ${version}: order a newer one`,
        'wafer-agent',
      );
    }
    await this.#links.become(digest);
  }

  async #try(app: string, version: Version, digest: Digest): Promise<void> {
    const given = await this.#links.givenUp();
    if (given?.digest === digest) {
      await this.#links.forgive();
      throw asFault(app, version, given);
    }
    await this.#links.try(digest);
  }

  /** Nothing follows: the process ends. */
  #leave(): Promise<SwapFigures> {
    this.#options.leave();
    return never();
  }
}

function asFault(app: string, version: Version, { why, digest }: GivenUp): FaultError {
  const [kind, what] = told(why);
  return new FaultError(kind, `${app} ${version} was given up: ${what}`, digest);
}

function told(why: string): [FaultKind, string] {
  if (why === 'silent') return ['probe-failed', 'it did not report to the server in time'];
  if (why.startsWith('ended with ')) return ['trap', `it ${why} before it reported to the server`];
  if (why.startsWith('it was cut off')) return ['crash-loop', `${why} before it reported to the server`];
  return ['disk', why];
}
