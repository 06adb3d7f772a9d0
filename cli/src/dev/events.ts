/** What `wafer dev` tells of: the agent's events, and its own about building and swapping. */
import type { Refusal } from '@wafer/protocol';
import type { DevEvent } from '@wafer/protocol/dev';
import type { Change } from './local-agent.ts';

type Swapped = Extract<Change, { event: 'swapped' }>;

export type Told =
  | Exclude<DevEvent, { event: 'swapped' }>
  /** Times in ms; `totalMs` is from the change of the file to the new instance serving. */
  | (Swapped & { readonly buildMs: number; readonly totalMs: number; readonly bytes: number })
  | { readonly event: 'build-failed'; readonly code: string; readonly message: string }
  /** What a compiler says of a guest that it made all the same. */
  | { readonly event: 'build-warned'; readonly message: string }
  | { readonly event: 'refused'; readonly refused: readonly (Refusal & { readonly reason: string })[] }
  | { readonly event: 'watching'; readonly file: string }
  | { readonly event: 'help' };
