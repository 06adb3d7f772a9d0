/**
 * Values in hand-written SQL. Drizzle switches off the driver's own conversion of dates and JSON, so
 * a bare `Date` or object as a parameter fails; and it spreads arrays into lists.
 */
import { sql, type SQL } from 'drizzle-orm';

/** ms since 1970 → timestamptz. */
export const instant = (ms: number): SQL => sql`${new Date(ms).toISOString()}::timestamptz`;

/** Anything that JSON can say → jsonb; undefined → SQL's null. */
export const jsonb = (value: unknown): SQL =>
  value === undefined ? sql`null::jsonb` : sql`${JSON.stringify(value)}::jsonb`;

/** Strings → text[], however many there are. */
export const textArray = (values: readonly string[]): SQL =>
  sql`array(select jsonb_array_elements_text(${JSON.stringify(values)}::jsonb))`;

/** The pattern of `ilike` for what contains `part`; its `%` and `_` mean themselves. */
export const containing = (part: string): string => `%${part.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;

/** timestamptz as raw SQL returns it → ISO 8601 in UTC with milliseconds. */
export const isoInstant = (raw: string | Date): string => new Date(raw).toISOString();
