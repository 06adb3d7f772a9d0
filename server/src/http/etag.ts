/** ETags are revisions: one strong tag for each resource (RFC 9110, clause 8.8.3). */
import { WaferError } from '@wafer/protocol';

const REVISION = /^"(\d{1,9})"$/;

export const etagOf = (revision: number): string => `"${revision}"`;

/** RFC 9110 clause 13.1.1, for the one tag that we give out; absent and `*` ask for nothing. */
export function revisionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  const found = REVISION.exec(ifMatch)?.[1];
  if (found === undefined)
    throw new WaferError(
      'request.precondition-failed',
      `If-Match must be an ETag of this resource, such as "3".`,
    );
  return Number(found);
}
