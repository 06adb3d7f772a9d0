/**
 * May this board do what the director orders? The argument, step by step: the order is signed, as it
 * came, by a key that publishers named; it is for this board, is newer than the last, and has not
 * expired; and for each app, what is ordered was signed by its publisher, is not below the floor, asks for no
 * more than it was signed for, and stays within what the board's owner allows.
 *
 * Where the document fails, nothing changes. Where one app of it fails, that app is rejected with
 * its reason and the others go on.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  beyondPolicy,
  describeRefusals,
  type AppName,
  type DesiredApp,
  type DesiredEnvelope,
  DesiredState,
  type DeviceId,
  type DirectorKeys,
  type Fault,
  FaultError,
  firstBeyond,
  isSignedBy,
  type Policy,
  refusals,
  type ReleaseCustom,
} from '@wafer/protocol';
import type { Floors } from './floors.ts';
import { genuine, signedFloor } from './genuine.ts';
import type { TargetView } from './updater.ts';

export type Verdict =
  | { readonly kind: 'admitted'; readonly order: DesiredApp; readonly custom: ReleaseCustom }
  | { readonly kind: 'rejected'; readonly order: DesiredApp; readonly fault: Fault };

export interface Judge {
  readonly view: TargetView;
  readonly device: DeviceId;
  readonly policy: Policy;
  readonly floors: Floors;
  /** ms since 1970. */
  readonly now: number;
  /** The last document that was accepted. */
  readonly last: DesiredEnvelope | undefined;
  /** Why this board refuses the app, whatever is ordered. */
  readonly refusalOf?: ((app: AppName) => Fault | undefined) | undefined;
}

/** One verdict for each app. Rejects with a fault when the document as a whole is refused. */
export async function judgeDesired(received: DesiredEnvelope, judge: Judge): Promise<Verdict[]> {
  const { keys } = await judge.view.directorKeys();
  checkDirector(received, keys);
  const desired = understood(received);
  checkAddressee(desired, judge.device);
  checkVersion(desired, stillCounts(judge.last, keys));
  checkExpiry(desired, judge.now);
  const verdicts: Verdict[] = [];
  for (const order of desired.apps) verdicts.push(await judgeApp(order, judge));
  return verdicts;
}

/** Over what was sent: reading it first would add the defaults of this version. */
function checkDirector({ signed, signatures }: DesiredEnvelope, keys: DirectorKeys['keys']): void {
  if (!isSignedBy(signed, signatures, keys)) {
    throw new FaultError('signature', 'no director key signed the desired state', 'director');
  }
}

function understood({ signed }: DesiredEnvelope): DesiredState {
  const parsed = DesiredState.safeParse(signed);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FaultError(
    'incompatible',
    `this agent does not understand the desired state: ${issue?.path.join('.')}: ${issue?.message}`,
    'desired',
  );
}

function checkAddressee(desired: DesiredState, device: DeviceId): void {
  if (desired.device !== device) {
    throw new FaultError('signature', `the desired state is for ${desired.device}`, 'device');
  }
  if (new Set(desired.apps.map(({ app }) => app)).size !== desired.apps.length) {
    throw new FaultError('signature', 'the desired state names an app twice', 'apps');
  }
}

/**
 * Fast-forward: whoever had the director's key may have signed a version that nobody can rise above. It is
 * left behind with the key; orders under it cannot be replayed either.
 */
const stillCounts = (
  last: DesiredEnvelope | undefined,
  keys: DirectorKeys['keys'],
): DesiredEnvelope | undefined =>
  last !== undefined && isSignedBy(last.signed, last.signatures, keys) ? last : undefined;

/** Replay: an old order stays valid to its signature, so versions must rise (Uptane, 5.4.4.2). */
function checkVersion({ version, apps }: DesiredState, last: DesiredEnvelope | undefined): void {
  if (last === undefined || version > last.signed.version) return;
  // The same orders under the same version may come again, with a later expiry.
  const before = DesiredState.safeParse(last.signed).data?.apps;
  if (version === last.signed.version && isDeepStrictEqual(apps, before)) return;
  throw new FaultError(
    'signature',
    `the desired state has version ${version}, and ${last.signed.version} was accepted before`,
    'version',
  );
}

function checkExpiry({ expires }: DesiredState, now: number): void {
  if (Date.parse(expires) <= now) {
    throw new FaultError('expired', `the desired state expired at ${expires}`, 'desired');
  }
}

async function judgeApp(order: DesiredApp, judge: Judge): Promise<Verdict> {
  const refusal = judge.refusalOf?.(order.app);
  if (refusal !== undefined) return { kind: 'rejected', order, fault: refusal };
  try {
    const custom = await genuine(judge.view, order);
    await judge.floors.raise(order.app, await signedFloor(judge.view, order.app));
    checkFloor(order, judge.floors);
    checkSignedBounds(order, custom);
    checkPolicy(order, judge.policy);
    await checkTriggers(order, custom);
    return { kind: 'admitted', order, custom };
  } catch (error) {
    // A link that broke says nothing about the app: the whole is judged again later.
    if (!(error instanceof FaultError) || error.fault.kind === 'link') throw error;
    return { kind: 'rejected', order, fault: error.fault };
  }
}

function checkFloor({ app, version, counter }: DesiredApp, floors: Floors): void {
  const floor = floors.of(app);
  if (counter < floor) {
    throw new FaultError(
      'policy',
      `${app} ${version} may not run any more: its counter is ${counter}, its publisher's floor ${floor}`,
      'floor',
    );
  }
}

function checkSignedBounds({ app, version, grants }: DesiredApp, custom: ReleaseCustom): void {
  const beyond = firstBeyond(grants, custom.grants);
  if (beyond !== undefined) {
    throw new FaultError('capability-denied', `${app} ${version} was not signed for ${beyond}`, beyond);
  }
  const refused = refusals(custom.imports, grants);
  const first = refused[0];
  if (first === undefined) return;
  // Some grant would help, or none ever can.
  const kind = refused.some(({ grant }) => grant === undefined) ? 'incompatible' : 'capability-denied';
  throw new FaultError(kind, `${app} ${version} may not run: ${describeRefusals(refused)}`, first.import);
}

/** The parser is loaded by boards that have something to parse, which few do. */
async function checkTriggers(
  { app, version, triggers }: DesiredApp,
  { world }: ReleaseCustom,
): Promise<void> {
  if (Object.keys(triggers).every((key) => key === 'everyMs')) return;
  const { triggersProblem } = await import('@wafer/protocol/schedule');
  const problem = triggersProblem(triggers, world);
  if (problem !== undefined) {
    throw new FaultError(
      'incompatible',
      `${app} ${version} cannot be triggered as ordered: ${problem}`,
      'triggers',
    );
  }
}

function checkPolicy(order: DesiredApp, policy: Policy): void {
  const fault = beyondPolicy(order, policy);
  if (fault !== undefined) throw new FaultError(fault.kind, fault.message, fault.subject);
}
