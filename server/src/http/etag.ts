/** ETags of what has a revision, and If-Match. */
import { WaferError } from '@wafer/protocol';

const REVISION = /^"(\d{1,9})"$/;

export const etagOf = ({ revision }: { readonly revision: number }): string => `"${revision}"`;

/** The revision that the caller has seen; undefined when any will do. Throws request.precondition-failed. */
export function revisionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  const found = REVISION.exec(ifMatch)?.[1];
  if (found === undefined)
    throw new WaferError(
      'request.precondition-failed',
      'If-Match must be an ETag that was given, such as "3".',
    );
  return Number(found);
}
