/** `wafer claim list` and `wafer claim revoke`. */
import { WaferError, type ClaimView } from '@wafer/protocol';
import type { Command } from 'commander';
import { z } from 'zod';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { table } from '../table.ts';

/** What a token is good for, in a word or two. */
function describeClaimState({ revoked, expires, usesLeft }: ClaimView, now: number): string {
  if (revoked !== null) return 'revoked';
  if (Date.parse(expires) <= now) return 'expired';
  return usesLeft === 0 ? 'used up' : `${usesLeft} left`;
}

const describeTags = (tags: ClaimView['tags']): string =>
  Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ') || '–';

const describeClaims = (claims: readonly ClaimView[], now: number): string =>
  table(
    ['id', 'name', 'uses', 'expires', 'made by', 'channels', 'group', 'tags'],
    claims.map((claim) => [
      claim.id,
      claim.name ?? '–',
      describeClaimState(claim, now),
      claim.expires,
      claim.madeBy ?? '–',
      claim.channels.join(' ') || '–',
      claim.group ?? '–',
      describeTags(claim.tags),
    ]),
    'no claim tokens: make one with wafer claim create',
  );

export function addClaimListCommands(claim: Command, context: Context): void {
  addCommand(claim, 'list', 'list claim tokens; their secrets are not kept', context, async () => {
    const claims = await (await signedInApi(context)).claims();
    return { json: claims, text: () => describeClaims(claims, context.clock.now()) };
  });

  addCommand(claim, 'revoke <id>', 'make a token enrol no more devices', context, async ([id = '']) => {
    if (!z.uuid().safeParse(id).success)
      throw new WaferError('cli.usage', `"${id}" is no id of a claim token: see wafer claim list`);
    await (await signedInApi(context)).revokeClaim(id);
    return {
      json: { id, revoked: true },
      text: () => `the token ${id} enrols no more devices. Those that it enrolled stay.`,
    };
  });
}
