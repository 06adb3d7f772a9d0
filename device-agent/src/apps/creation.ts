/**
 * Making an instance of a guest: what its isolate is told and given, which is the same for every kind of
 * guest, and what is known of the instance from outside.
 */
import { FaultError } from '@wafer/protocol';
import { heldBytes, type StorePort } from '../capabilities/keyvalue/port.ts';
import type { Notice } from './isolate.ts';
import type { OpenLines } from './lines.ts';
import type { FirstCall, GuestId, Image } from './port.ts';
import type { ResidentEvents } from './resident.ts';
import type { AppSpec } from './runtime.ts';
import type { Work } from './seat.ts';
import type { OpenSecrets } from './unseal.ts';

/** Creation includes what the engine does to set up memories, which slow boards take longer for. */
const LEAST_CREATION_MS = 2000;

/** What the board has for its guests. */
export interface Surroundings {
  readonly openLines: OpenLines;
  readonly openSecrets: OpenSecrets;
  /** A steady clock, ms. */
  readonly now: () => number;
}

export class Creation {
  readonly #spec: AppSpec;
  readonly #image: Image;
  readonly #events: ResidentEvents;
  readonly #surroundings: Surroundings;
  #stores: StorePort['signal'] | undefined;

  constructor(spec: AppSpec, image: Image, events: ResidentEvents, surroundings: Surroundings) {
    this.#spec = spec;
    this.#image = image;
    this.#events = events;
    this.#surroundings = surroundings;
  }

  /** What the stores of the latest instance hold, bytes. */
  get storeBytes(): number {
    return this.#stores === undefined ? 0 : heldBytes(this.#stores);
  }

  /** `first` is called in the same turn; `service` is where a service tells its memory. */
  work(guest: GuestId, first: FirstCall | undefined, service?: Int32Array): Work {
    const { app, grants, config, limits } = this.#spec;
    const { openLines, openSecrets } = this.#surroundings;
    const lines = openLines(app, grants);
    this.#stores = lines.stores?.signal;
    return {
      task: {
        type: 'create',
        guest,
        image: this.#image.key,
        grants,
        config,
        secrets: openSecrets(this.#spec),
        logBytesPerMinute: limits.logBytesPerMinute,
        allowance: this.#events.allowance(),
        first,
        lines,
        service,
      },
      deadlineMs: Math.max(limits.deadlineMs, LEAST_CREATION_MS),
      firstCallMs: limits.deadlineMs,
    };
  }

  /** Hands on what the isolate says of the instance. */
  heard(notice: Notice): void {
    switch (notice.type) {
      case 'worked':
        return this.#events.worked(notice.busyMs, notice.used ?? []);
      case 'refused':
        return this.#events.refused(
          new FaultError(notice.kind, notice.message, notice.subject),
          notice.count,
        );
      case 'log':
      case 'publish':
      case 'spent':
        return this.#events.notice(notice);
    }
  }
}
