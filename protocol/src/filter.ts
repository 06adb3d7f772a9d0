/**
 * Topic filters without the schemas: guests' threads match topics too, and loading Zod would cost each of
 * them a tenth of a second.
 */

/**
 * `+` and `#` as in MQTT 3.1.1 clause 4.7; a filter also covers a narrower filter. One that begins with a
 * wildcard covers nothing that begins with `$` (4.7.2).
 */
export function filterCovers(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false;
  const want = filter.split('/');
  const have = topic.split('/');
  for (const [index, level] of want.entries()) {
    if (level === '#') return true;
    const other = have[index];
    if (other === undefined || other === '#') return false;
    if (level !== '+' && level !== other) return false;
  }
  return want.length === have.length;
}
