/** `npx drizzle-kit generate --config server/drizzle.config.ts` writes the SQL of what changed. */
import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./server/src/*/tables.ts', './server/src/*/people-tables.ts'],
  out: './migrations',
});
