/**
 * The lowest release counter of each app that may still run, as far as this board has ever seen.
 * It only rises: metadata that was lost, or that says less, does not lower it. In two checksummed
 * slots (state/slots.ts), because everything else here may be rebuilt from the server but this.
 */
import { join } from 'node:path';
import { AppName } from '@wafer/protocol';
import { z } from 'zod';
import { SlotFile, type Slots } from '../state/slots.ts';

const FloorTable = z.record(AppName, z.number().int().min(0));
export type FloorTable = Partial<Record<AppName, number>>;

export class Floors {
  readonly #slots: Slots<FloorTable>;

  private constructor(slots: Slots<FloorTable>) {
    this.#slots = slots;
  }

  /** `slots` instead of those in the folder. */
  static async open(dataFolder: string, slots?: Slots<FloorTable>): Promise<Floors> {
    const path = join(dataFolder, 'trust', 'floors');
    return new Floors(slots ?? (await SlotFile.open<FloorTable>(path, FloorTable, {})));
  }

  of(app: AppName): number {
    return this.#slots.value[app] ?? 0;
  }

  /** Resolves once the higher of the two is on disk. */
  async raise(app: AppName, floor: number): Promise<void> {
    if (floor > this.of(app)) await this.#slots.write({ ...this.#slots.value, [app]: floor });
  }
}
