/**
 * What a move makes of a channel's app, as a pure rule. What is absent in the request stays as the
 * channel has it; what was never set by a person follows the release.
 */
import {
  HealthRule,
  Limits,
  WaferError,
  describeRefusals,
  firstBeyond,
  refusals,
  type Approved,
  type Grants,
  type MoveChannel,
} from '@wafer/protocol';
import { triggersProblem } from '@wafer/protocol/schedule';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { ReleaseRow } from '../releases/index.ts';
import type { channelApps } from './tables.ts';

export type ChannelApp = typeof channelApps.$inferSelect;
/** A desired state of 64 apps has to fit into one MQTT payload; this is one app's share with room for large ones. */
const MAX_APPROVED_BYTES = 16 * 1024;

/** The releases that a move leads to and comes from. */
export interface Releases {
  readonly next: ReleaseRow;
  readonly current: ReleaseRow | undefined;
}

/** An approval that a person narrowed stays narrow; one that gave all that was asked for follows the release. */
function nextGrants(
  asked: Grants | undefined,
  held: Approved | undefined,
  { next, current }: Releases,
): Grants {
  if (asked !== undefined) return asked;
  const narrowed =
    held !== undefined && current !== undefined && !isDeepStrictEqual(held.grants, current.grants);
  return narrowed ? held.grants : next.grants;
}

function nextLimits(
  asked: Limits | undefined,
  held: Approved | undefined,
  { next, current }: Releases,
): Limits {
  if (asked !== undefined) return asked;
  if (held === undefined) return Limits.parse({ memoryMiB: next.memoryMiB });
  const followed = held.limits.memoryMiB === current?.memoryMiB;
  return followed ? { ...held.limits, memoryMiB: next.memoryMiB } : held.limits;
}

function mustBeAdmissible(grants: Grants, { next }: Releases): void {
  const beyond = firstBeyond(grants, next.grants);
  if (beyond !== undefined)
    throw new WaferError(
      'request.invalid',
      `body/grants: ${beyond} is more than ${next.app} ${next.version} asks for. Send grants that are within its request.`,
    );
  const refused = refusals(next.imports, grants);
  if (refused.length > 0)
    throw new WaferError(
      'component.import-refused',
      `With these grants ${next.app} ${next.version} cannot run: ${describeRefusals(refused)}.`,
    );
}

/** Throws request.invalid or component.import-refused. */
export function planMove(
  request: z.infer<typeof MoveChannel>,
  held: Approved | undefined,
  releases: Releases,
): Approved {
  const approved: Approved = {
    version: releases.next.version,
    grants: nextGrants(request.grants, held, releases),
    config: request.config ?? held?.config ?? {},
    limits: nextLimits(request.limits, held, releases),
    isolation: request.isolation ?? held?.isolation ?? 'shared',
    triggers: request.triggers ?? held?.triggers ?? {},
    health: request.health ?? held?.health ?? HealthRule.parse({}),
  };
  mustBeAdmissible(approved.grants, releases);
  const problem = triggersProblem(approved.triggers, releases.next.world);
  if (problem !== undefined) throw new WaferError('request.invalid', `body/triggers/${problem}.`);
  const bytes = Buffer.byteLength(JSON.stringify(approved));
  if (bytes > MAX_APPROVED_BYTES)
    throw new WaferError(
      'request.invalid',
      `body/config: with grants it takes ${bytes} bytes; ${MAX_APPROVED_BYTES} may travel to devices.`,
    );
  return approved;
}

/** Without its place and its revision. */
export const approvedOf = ({
  version,
  grants,
  config,
  limits,
  isolation,
  triggers,
  health,
}: Approved): Approved => ({ version, grants, config, limits, isolation, triggers, health });

/** A move that changes nothing is no move: no revision, no executions. */
export const changesNothing = (held: Approved | undefined, approved: Approved): boolean =>
  held !== undefined && isDeepStrictEqual(approvedOf(held), approved);
