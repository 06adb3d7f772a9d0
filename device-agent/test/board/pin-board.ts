/** A board with the pins guest on it, whose pins and buses are the bus simulator's. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppName, type Grants } from '@wafer/protocol';
import { Board, type SpecParts } from '../apps/harness.ts';
import { BOARD_VARIABLE, buildSimulator, SimulatedBoard } from './simulator.ts';

const PINS = readFileSync(join(import.meta.dirname, '../fixtures/pins.wasm'));

const EXPORTS = ['wafer:app/lifecycle@0.1.0', 'wasi:messaging/incoming-handler@0.2.0-draft'];
const TALK: Grants = { clock: true, messaging: { publish: ['out/#'], subscribe: ['do/#'] } };

export class PinBoard {
  readonly board: Board;
  readonly world: SimulatedBoard;
  /** In place of /sys. */
  readonly sys: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.sys = join(folder, 'sys');
    mkdirSync(this.sys);
    const library = join(folder, 'bus-simulator.so');
    buildSimulator(library);
    const state = join(folder, 'board');
    this.world = new SimulatedBoard(state);
    // The simulator reads it where the agent's process has it.
    process.env[BOARD_VARIABLE] = state;
    this.board = new Board(2, { hardware: { library, sys: this.sys } });
  }

  static async open(): Promise<PinBoard> {
    const pins = new PinBoard(mkdtempSync(join(tmpdir(), 'wafer-pins-')));
    await pins.board.prepare(PINS);
    return pins;
  }

  install(grants: Grants, parts: SpecParts = {}) {
    return this.board.install(
      { app: 'pins', exports: EXPORTS, ...parts, grants: { ...TALK, ...grants } },
      PINS,
    );
  }

  ask(action: string, args: unknown = {}, app = 'pins'): Promise<unknown> {
    return this.board.ask(action, args, app);
  }

  /** Kind and subject of each fault so far. */
  get faults(): unknown[] {
    return this.board.told.faults.map(({ fault }) => [fault.kind, fault.subject]);
  }

  /** What the guest sent on of edges that came as messages. */
  get edges(): Record<string, unknown>[] {
    return this.board.told.published
      .filter(({ topic }) => topic === 'out/edge')
      .map(({ payload }) => JSON.parse(payload) as Record<string, unknown>);
  }

  async clear(): Promise<void> {
    await this.board.runtime.stop(AppName.parse('pins'));
    // Its lines are given back by their thread a moment later; until then it would hear of what comes next.
    const held = (): boolean => [17, 27].some((line) => this.world.line(line).direction !== 'free');
    for (let tries = 0; held() && tries < 500; tries += 1) await sleep(10);
    this.board.forget();
  }

  async close(): Promise<void> {
    await this.board.close();
    this.world.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
