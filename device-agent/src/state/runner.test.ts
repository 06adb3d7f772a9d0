import { AppName } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { Runner } from './runner.ts';
import type { Step } from './steps.ts';

const step = (app: string, name: 'cancel' | 'remove'): Step => ({ step: name, app: AppName.parse(app) });
const fetching = (app: string): Step =>
  ({
    step: 'fetch',
    app: AppName.parse(app),
    purpose: 'bring',
    release: { order: { execution: 'one' } },
  }) as never;

function newRunner(options: {
  plan: () => Step[];
  apply: (step: Step, signal: AbortSignal) => Promise<void>;
}) {
  const defects: unknown[] = [];
  const runner = new Runner({
    plan: async () => options.plan(),
    apply: options.apply,
    onDefect: (error) => defects.push(error),
  });
  return { runner, defects };
}

test('an app that hangs blocks no other, and gets no second step', async () => {
  const done: string[] = [];
  const left = [step('pump', 'cancel'), step('pump', 'remove')];
  const { runner } = newRunner({
    plan: () => [step('thermo', 'cancel'), ...left.slice(0, 1)],
    apply: async ({ app }) => {
      done.push(app);
      if (app === 'thermo') return new Promise(() => {});
      left.shift();
    },
  });
  runner.wake();
  await expect.poll(() => done).toEqual(['thermo', 'pump', 'pump']);
});

test('a step that throws is a defect, and the runner goes on', async () => {
  let tries = 0;
  const { runner, defects } = newRunner({
    plan: () => (tries < 2 ? [step('thermo', 'cancel')] : []),
    apply: async () => {
      tries += 1;
      throw new Error('broken');
    },
  });
  runner.wake();
  await runner.idle();
  expect([tries, defects.length]).toEqual([2, 2]);
});

test('a plan that throws is a defect, and the next wake plans again', async () => {
  let plans = 0;
  const { runner, defects } = newRunner({
    plan: () => {
      plans += 1;
      if (plans === 1) throw new Error('broken');
      return [];
    },
    apply: async () => {},
  });
  runner.wake();
  await runner.idle();
  runner.wake();
  await runner.idle();
  expect([plans, defects.length]).toEqual([2, 1]);
});

test('a download that the newest plan no longer contains is broken off', async () => {
  let wanted = true;
  let aborted = false;
  const { runner } = newRunner({
    plan: () => (wanted ? [fetching('thermo')] : []),
    apply: (_, signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          aborted = true;
          resolve();
        }),
      ),
  });
  runner.wake();
  await new Promise((resolve) => setImmediate(resolve));
  wanted = false;
  runner.wake();
  await runner.idle();
  expect(aborted).toBe(true);
});

test('after close no step begins', async () => {
  let begun = 0;
  const { runner } = newRunner({
    plan: () => [step('thermo', 'cancel')],
    apply: async () => {
      begun += 1;
      if (begun === 3) void runner.close();
    },
  });
  runner.wake();
  await runner.idle();
  runner.wake();
  await runner.idle();
  expect(begun).toBe(3);
});
