/** Column types that Drizzle has under other names, or not at all. */
import { customType, timestamp } from 'drizzle-orm/pg-core';

/** A point in time, read as a `Date`. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** Text in the order of its bytes, whatever the database's collation is. */
export const sortable = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
