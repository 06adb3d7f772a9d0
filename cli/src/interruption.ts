/** How a command that stays is told to go. */

/** Aborted by Ctrl-C, or by whoever ends this process in an orderly way. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => controller.abort());
  return controller.signal;
}
