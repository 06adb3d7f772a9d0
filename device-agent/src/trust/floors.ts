/**
 * The lowest release counter of each app that may still run, as far as this board has ever seen.
 * It only rises: metadata that was lost, or that says less, does not lower it. In two checksummed
 * slots (state/slots.ts), because everything else here may be rebuilt from the server but this.
 */
import { join } from 'node:path';
import { AppName } from '@wafer/protocol';
import { z } from 'zod';
import { SlotFile } from '../state/slots.ts';

const FloorTable = z.record(AppName, z.number().int().min(0));
type FloorTable = Partial<Record<AppName, number>>;

export class Floors {
  readonly #slots: SlotFile<FloorTable>;

  private constructor(slots: SlotFile<FloorTable>) {
    this.#slots = slots;
  }

  static async open(dataFolder: string): Promise<Floors> {
    return new Floors(await SlotFile.open<FloorTable>(join(dataFolder, 'trust', 'floors'), FloorTable, {}));
  }

  of(app: AppName): number {
    return this.#slots.value[app] ?? 0;
  }

  /** Resolves once the higher of the two is on disk. */
  async raise(app: AppName, floor: number): Promise<void> {
    if (floor > this.of(app)) await this.#slots.write({ ...this.#slots.value, [app]: floor });
  }
}
