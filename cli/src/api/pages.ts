/** Lists of the API, which come in pages. */
import { WaferError } from '@wafer/protocol';

/** More pages than this and the server is not telling the truth about `next`. */
const MAX_PAGES = 1000;

/** All of a list. */
export async function everyPage<T>(
  fetchPage: (query: string) => Promise<{ items: T[]; next?: string | undefined }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await fetchPage(`?limit=200${query}`);
    items.push(...page.items);
    if (page.next === undefined) return items;
    cursor = page.next;
  }
  throw new WaferError('server.internal', 'the list has no end');
}

/** The first `most` of a list, page by page. */
export async function someOf<T>(
  most: number,
  fetchPage: (page: Record<string, string>) => Promise<{ items: T[]; next?: string | undefined }>,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  while (items.length < most) {
    const limit = String(Math.min(200, most - items.length));
    const page = await fetchPage(cursor === undefined ? { limit } : { limit, cursor });
    items.push(...page.items);
    if (page.next === undefined || page.items.length === 0) break;
    cursor = page.next;
  }
  return items;
}
