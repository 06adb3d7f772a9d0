/** Where a group's page lies. The router decodes a path as a whole, which leaves `/` and `%` in doubt. */

const ROOT = '/groups/';

export const addressOf = (name: string): string => ROOT + encodeURIComponent(name);

/** The name in the path as the browser has it; what was not written by `addressOf` stands for itself. */
export function groupAt(pathname: string): string {
  const written = pathname.slice(ROOT.length);
  try {
    return decodeURIComponent(written);
  } catch {
    return written;
  }
}
