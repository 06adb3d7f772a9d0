/** Follows a rollout to where nothing more is started without a person, also while the server is restarted. */
import { WaferError, type ErrorCode, type RolloutView } from '@wafer/protocol';
import type { Api } from '../api/client.ts';
import type { Context } from '../context.ts';
import { painterOf, sizeOf } from '../terminal.ts';
import { changeLine, picture } from './picture.ts';
import { standsStill } from './standing.ts';

const LOOK_MS = 1000;
const MOST_BETWEEN_MS = 10_000;
/** A server that is away for longer does not come back by itself. */
const PATIENCE_MS = 10 * 60_000;

/** Whoever is shown a rollout at every look, and told what is not about the rollout. */
export interface Viewer {
  show(rollout: RolloutView): void;
  tell(text: string): void;
}

/** On a terminal a picture that is drawn over the one before; elsewhere a line a change. */
export function viewerOf({ stderr, env, clock }: Context): Viewer {
  const sinceMs = clock.now();
  const paint = painterOf(stderr, env);
  let [drawn, lines] = ['', 0];
  const line = (text: string): void => {
    if (text !== drawn) stderr.write(`${text}\n`);
    [drawn, lines] = [text, 0];
  };
  if (stderr.isTTY !== true) return { show: (rollout) => line(changeLine(rollout)), tell: line };
  return {
    show: (rollout) => {
      const next = picture(rollout, { nowMs: clock.now(), sinceMs, ...sizeOf(stderr) }, paint);
      const text = next.join('\n');
      if (text === drawn) return;
      stderr.write(`${lines > 0 ? `\u001b[${lines}A\u001b[J` : ''}${text}\n`);
      [drawn, lines] = [text, next.length];
    },
    tell: (text) => {
      // Below the picture; the next one begins anew.
      stderr.write(`${text}\n`);
      [drawn, lines] = ['', 0];
    },
  };
}

/** One JSON line on stdout for each change. */
export function jsonViewerOf({ stdout, stderr }: Context): Viewer {
  let last = '';
  return {
    show: (rollout) => {
      const text = JSON.stringify(rollout);
      if (text !== last) stdout.write(`${text}\n`);
      last = text;
    },
    tell: (text) => stderr.write(`${text}\n`),
  };
}

export const SILENT: Viewer = { show: () => undefined, tell: () => undefined };

const MAY_PASS: ReadonlySet<ErrorCode> = new Set(['server.unreachable', 'server.unavailable']);
const mayPass = (error: unknown): error is WaferError =>
  error instanceof WaferError && MAY_PASS.has(error.code);

/** Resolves with the rollout as it stands. Throws what the API does, and only then for an absent server when it stays away. */
export async function watchRollout(
  api: Pick<Api, 'rollout'>,
  id: string,
  { clock, sleep, viewer }: Pick<Context, 'clock' | 'sleep'> & { readonly viewer: Viewer },
): Promise<RolloutView> {
  let awaySince: number | undefined;
  let between = LOOK_MS;
  for (;;) {
    try {
      const rollout = await api.rollout(id);
      if (awaySince !== undefined) viewer.tell('the server answers again');
      [awaySince, between] = [undefined, LOOK_MS];
      viewer.show(rollout);
      if (standsStill(rollout)) return rollout;
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (awaySince === undefined) viewer.tell(`${error.message}. Trying again; the rollout goes on there`);
      awaySince ??= clock.now();
      if (clock.now() - awaySince > PATIENCE_MS) throw error;
      between = Math.min(between * 2, MOST_BETWEEN_MS);
    }
    await sleep(between);
  }
}
