import { expect, test } from 'vitest';
import { createWatchdog, isWell } from './watchdog.ts';

const WELL = { sincePlanMs: 250, overdueMs: 0 };

function listening(environment: NodeJS.ProcessEnv = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '90000000' }) {
  const said: string[] = [];
  let now = 0;
  const watchdog = createWatchdog(
    environment,
    () => now,
    (...words) => void said.push(words.join(' ')),
  );
  return { said, watchdog, pass: (ms: number) => (now += ms) };
}

test('it says that it is up, and beats three times in the time that it has', () => {
  const { said, watchdog, pass } = listening();
  watchdog.ready();
  for (let second = 0; second < 90; second += 1) {
    watchdog.beat(WELL);
    pass(1000);
  }
  expect(said).toEqual(['--ready', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
});

test('an agent that plans no more, or whose isolate no longer answers, does not beat', () => {
  const { said, watchdog } = listening();
  watchdog.beat({ ...WELL, sincePlanMs: 31_000 });
  watchdog.beat({ ...WELL, overdueMs: 11_000 });
  expect(said).toEqual([]);
  watchdog.beat(WELL);
  expect(said).toEqual(['WATCHDOG=1']);
});

test('a call that is over its deadline by a moment is nothing', () => {
  expect(isWell({ sincePlanMs: 400, overdueMs: 50 })).toBe(true);
});

test('where nobody listens, or nobody waits for a beat, nothing is said', () => {
  const alone = listening({});
  alone.watchdog.ready();
  alone.watchdog.beat(WELL);
  const notWatched = listening({ NOTIFY_SOCKET: '/run/x' });
  notWatched.watchdog.beat(WELL);
  expect([...alone.said, ...notWatched.said]).toEqual([]);
});
