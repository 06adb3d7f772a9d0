/** Words for the life of an execution; the server's enums and the dashboard's badges read them here. */
import { z } from 'zod';

export const EXECUTION_STATES = [
  'QUEUED',
  'IN_PROGRESS',
  'SUCCEEDED',
  'FAILED',
  'REJECTED',
  'TIMED_OUT',
  'ROLLED_BACK',
  'CANCELED',
  'REMOVED',
  'ALREADY_INSTALLED',
] as const;
export const ExecutionState = z.enum(EXECUTION_STATES);
export type ExecutionState = z.infer<typeof ExecutionState>;

/** What an execution that is IN_PROGRESS is doing. */
export const EXECUTION_STAGES = [
  'downloading',
  'verifying',
  'preparing',
  'starting',
  'probing',
  'soaking',
] as const;
export const ExecutionStage = z.enum(EXECUTION_STAGES);
export type ExecutionStage = z.infer<typeof ExecutionStage>;

/** States that nothing follows. */
export const TERMINAL_STATES: ReadonlySet<ExecutionState> = new Set([
  'SUCCEEDED',
  'FAILED',
  'REJECTED',
  'TIMED_OUT',
  'ROLLED_BACK',
  'CANCELED',
  'REMOVED',
  'ALREADY_INSTALLED',
]);

/** What an app on a device is doing, as the agent reports it. */
export const APP_STATES = ['starting', 'running', 'soaking', 'stopped', 'failed'] as const;
export const AppState = z.enum(APP_STATES);
export type AppState = z.infer<typeof AppState>;
