/**
 * What `wafer simulate` and the process that it starts say to each other: JSON, one value a line, orders
 * on that process's standard input, events on its standard output. The devices of it are enrolled as any
 * board is; only the orders and figures of the person at the terminal go this way.
 */
import { z } from 'zod';
import { ClaimToken } from './enrolment.ts';
import { Version } from './ids.ts';

/** What a device may do other than take its release and run it. */
export const Behaviour = z.enum([
  /** The health probe of a release says no, after it has started. */
  'fail',
  /** A release traps soon after it has begun to serve. */
  'trap',
  /** The order is taken, and nothing is heard of it. */
  'silent',
  /** Every stage takes its time. */
  'slow',
  /** The connection goes, and comes back. */
  'flapping',
]);
export type Behaviour = z.infer<typeof Behaviour>;

/** Percent of the devices, not necessarily whole. */
const Share = z.number().min(0).max(100);
const sumOf = (shares: Readonly<Record<string, number | undefined>>): number =>
  Object.values(shares).reduce<number>((sum, share = 0) => sum + share, 0);

export const Simulation = z.strictObject({
  /** As many as one claim token enrols, and one process may have connections. */
  devices: z.number().int().min(1).max(10_000),
  /** Which device does what follows from this and its number. */
  seed: z.string().max(100),
  /** The rest are sound. */
  behaviours: z
    .partialRecord(Behaviour, Share)
    .refine((shares) => sumOf(shares) <= 100, 'behaviours: together they are more than 100 %'),
  /** As Node names them. */
  architectures: z
    .record(z.string().min(1).max(20), Share)
    .refine((shares) => Math.abs(sumOf(shares) - 100) < 0.001, 'architectures: together they must be 100 %'),
  /** `fail`, `trap` and `silent` are about these versions; empty: about every release that replaces another. */
  bad: z.array(Version),
  /** Of one stage of a slow device, about. */
  slowMs: z.number().int().min(1).max(3_600_000),
  healthEverySeconds: z.number().int().min(1).max(3600),
  /** Devices of a fleet that is kept here are enrolled already. Absolute path. */
  folder: z.string(),
  /** A server that is not on this machine is left alone without it. */
  mayLeaveThisMachine: z.boolean(),
});
export type Simulation = z.infer<typeof Simulation>;

export const SimulateOrder = z.discriminatedUnion('order', [
  z.strictObject({ order: z.literal('begin'), simulation: Simulation }),
  /** Enrols as many as `needs` said. */
  z.strictObject({ order: z.literal('enrol'), token: ClaimToken, server: z.url() }),
  /** Ends the fleet; so does the end of the input. */
  z.strictObject({ order: z.literal('stop') }),
]);
export type SimulateOrder = z.infer<typeof SimulateOrder>;

const Count = z.number().int().min(0);

export const SimulateFigures = z.strictObject({
  devices: Count,
  online: Count,
  /** Under way to another release, or soaking. */
  updating: Count,
  /** What was ordered last has come to nothing. */
  failed: Count,
  /** `app version` → devices that run it. */
  running: z.record(z.string(), Count),
  /** Resident memory of the process, bytes. */
  memoryBytes: Count,
  /** Processor time of the process so far, ms. */
  cpuMs: z.number().min(0),
});
export type SimulateFigures = z.infer<typeof SimulateFigures>;

export const SimulateEvent = z.discriminatedUnion('event', [
  /** Who does what, by behaviour (`sound` among them) and architecture. */
  z.strictObject({
    event: z.literal('fleet'),
    behaviours: z.record(z.string(), Count),
    architectures: z.record(z.string(), Count),
    /** Devices to be enrolled before it can begin. */
    needs: Count,
  }),
  z.strictObject({ event: z.literal('enrolled'), done: Count, of: Count }),
  z.strictObject({ event: z.literal('connected'), done: Count, of: Count }),
  /** Everyone has been connected once. */
  z.strictObject({ event: z.literal('ready'), devices: Count, seconds: z.number(), bytesPerDevice: Count }),
  z.strictObject({ event: z.literal('figures'), figures: SimulateFigures }),
  z.strictObject({ event: z.literal('warning'), text: z.string() }),
]);
export type SimulateEvent = z.infer<typeof SimulateEvent>;
