/**
 * A line that an app holds, with whoever watches it. How often it may wake us is bounded: a line that nothing
 * is tied to may change a million times a second. While it rests the kernel counts on, so the next edge says
 * how many were lost.
 */
import { POLLIN } from './kernel.ts';
import type { Edge, Line } from './gpio.ts';
import type { Poller } from './poller.ts';
import type { Awaited } from './port.ts';

/** Edges of one line in one window; beyond it the line rests until the window is over. */
const MAX_EDGES = 64;
const WINDOW_MS = 100;

export class HeldLine {
  readonly line: Line;
  readonly #poller: Poller;
  readonly #watches = new Map<number, { readonly on: Awaited; readonly isReady: () => void }>();
  #forward: ((edge: Edge) => void) | undefined;
  #isPolled = false;
  #edges = 0;
  #windowAt = -Infinity;
  #resting: NodeJS.Timeout | undefined;

  constructor(line: Line, poller: Poller) {
    this.line = line;
    this.#poller = poller;
  }

  /** From now on each edge goes to `forward` too; none does without it. Throws a `SystemError`. */
  forwardTo(forward: ((edge: Edge) => void) | undefined): void {
    this.#forward = forward;
    if (forward !== undefined) this.#detect();
  }

  /** Answers whether it is ready already. `isReady` is called once. Throws a `SystemError`. */
  watch(watch: number, on: Awaited, isReady: () => void): boolean {
    // First the edges, then the look: one that comes in between is not missed.
    this.#detect();
    const isLevel = on === 'active' || on === 'inactive';
    if (isLevel && this.line.read() === (on === 'active')) return true;
    this.#watches.set(watch, { on, isReady });
    return false;
  }

  unwatch(watch: number): void {
    this.#watches.delete(watch);
  }

  close(): void {
    clearTimeout(this.#resting);
    this.#poller.forget(this.line.fd);
    this.line.close();
    // Who waits finds out by reading that the line is gone.
    this.#tellAll();
  }

  #detect(): void {
    this.line.detectEdges();
    if (!this.#isPolled) this.#poll();
    this.#isPolled = true;
  }

  #poll(): void {
    this.#poller.watch(this.line.fd, POLLIN, () => this.#readable());
  }

  #readable(): void {
    let edges: Edge[];
    try {
      edges = this.line.takeEdges();
    } catch {
      // Its controller was taken away.
      this.#poller.forget(this.line.fd);
      return this.#tellAll();
    }
    for (const edge of edges) {
      const isActive = edge.edge === 'rising';
      for (const [watch, { on, isReady }] of this.#watches) {
        if (on !== edge.edge && on !== (isActive ? 'active' : 'inactive')) continue;
        this.#watches.delete(watch);
        isReady();
      }
      this.#forward?.(edge);
    }
    this.#bound(edges.length);
  }

  #bound(edges: number): void {
    const now = performance.now();
    if (now - this.#windowAt > WINDOW_MS) {
      this.#windowAt = now;
      this.#edges = 0;
    }
    this.#edges += edges;
    if (this.#edges < MAX_EDGES) return;
    this.#poller.forget(this.line.fd);
    this.#resting = setTimeout(() => this.#poll(), WINDOW_MS).unref();
  }

  #tellAll(): void {
    for (const { isReady } of this.#watches.values()) isReady();
    this.#watches.clear();
  }
}
