/** A bar on stderr while bytes go up; silent unless a person watches a terminal. */
import { Presets, SingleBar } from 'cli-progress';
import type { Context } from '../context.ts';

export interface Progress {
  readonly advance: (sentBytes: number) => void;
  readonly end: () => void;
}

const SILENT: Progress = { advance: () => undefined, end: () => undefined };

export function uploadProgress(
  label: string,
  totalBytes: number,
  quiet: boolean,
  context: Context,
): Progress {
  if (quiet || context.stderr.isTTY !== true) return SILENT;
  const bar = new SingleBar(
    {
      stream: context.stderr,
      format: `${label} [{bar}] {percentage}% of {size}`,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.rect,
  );
  bar.start(totalBytes, 0, { size: `${Math.ceil(totalBytes / 1024)} KiB` });
  return { advance: (sentBytes) => bar.update(sentBytes), end: () => bar.stop() };
}
