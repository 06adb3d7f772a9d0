/** Is this release genuine: does what publishers signed under its path say what the order says? */
import {
  FaultError,
  FloorCustom,
  floorTarget,
  misnamed,
  ReleaseCustom,
  releaseTarget,
  type AppName,
  type DesiredApp,
} from '@wafer/protocol';
import type { TargetView } from './updater.ts';

/**
 * What the publisher signed about the release that is ordered. Rejects with a fault: `signature`
 * when nobody signed it, `digest` when another component was signed, `incompatible` when it is
 * signed in a form that this agent does not know.
 */
export async function genuine(view: TargetView, order: DesiredApp): Promise<ReleaseCustom> {
  const { path, sha256, length } = order.target;
  const target = await view.target(path);
  if (target === undefined) throw new FaultError('signature', `no publisher signed ${path}`, path);
  if (target.sha256 !== sha256 || target.length !== length) {
    throw new FaultError('digest', `${path} was signed with another hash or length than was ordered`, path);
  }
  const parsed = ReleaseCustom.safeParse(target.custom);
  if (!parsed.success) {
    throw new FaultError('incompatible', `${path} is signed in a form that this agent does not know`, path);
  }
  const custom = parsed.data;
  // A role may only speak for its own app, and a path must not be filled with another release.
  if (custom.app !== order.app || custom.version !== order.version || custom.counter !== order.counter) {
    throw new FaultError('signature', `${path} was signed as ${custom.app} ${custom.version}`, path);
  }
  if (path !== releaseTarget(custom.app, custom.version, sha256)) {
    throw new FaultError('signature', `${path} is not where ${custom.app} ${custom.version} belongs`, path);
  }
  const wrong = misnamed(custom.app, custom.world);
  if (wrong !== undefined) throw new FaultError('incompatible', `${path} is refused: ${wrong}`, path);
  return custom;
}

/** The floor that the app's role carries now; 0 when it carries none. */
export async function signedFloor(view: TargetView, app: AppName): Promise<number> {
  const target = await view.target(floorTarget(app));
  const parsed = FloorCustom.safeParse(target?.custom);
  return parsed.success ? parsed.data.floor : 0;
}
