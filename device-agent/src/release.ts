/** Written by stamp.ts at `npm version`. */
export const RELEASE = { version: '0.1.0', day: '2026-11-21' } as const;
