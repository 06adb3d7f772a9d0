/** Runs of the hardware tests, as they were published. */
import type { HardwareRun } from '@wafer/protocol';
import { bigserial, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from '../db/columns.ts';

export const hardwareRuns = pgTable('hardware_runs', {
  id: bigserial({ mode: 'number' }).primaryKey(),
  published: instant('published').notNull(),
  by: text('published_by').notNull(),
  run: jsonb().$type<HardwareRun>().notNull(),
});
