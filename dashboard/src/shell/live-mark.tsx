/** Says whether what is shown is current. */
import { Tooltip } from '@mantine/core';
import { useLive, type LiveState } from '../api/live.tsx';
import classes from './shell.module.css';

const WORDS = {
  connecting: ['Connecting', 'Opening the live stream'],
  live: ['Live', 'Changes appear by themselves'],
  reconnecting: ['Reconnecting', 'The live stream is down; the page asks every 15 seconds meanwhile'],
} as const satisfies Record<LiveState, readonly [string, string]>;

export function LiveMark() {
  const state = useLive();
  const [word, explanation] = WORDS[state];
  return (
    <Tooltip label={explanation} withArrow>
      <span className={classes['live']} data-testid="live-mark" data-state={state} role="status" tabIndex={0}>
        <span className={classes['liveDot']} aria-hidden />
        {word}
      </span>
    </Tooltip>
  );
}
