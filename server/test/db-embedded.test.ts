import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rm } from 'node:fs/promises';
import { StartError } from '../src/config.ts';
import { openDatabase, type Database } from '../src/db/client.ts';
import { startEmbedded, type EmbeddedPostgres } from '../src/db/embedded.ts';
import { migrate } from '../src/db/migrate.ts';
import { blockedFolder, refuseBlockedFolders } from '../src/db/os-user.ts';
import { writeSecret, writeSecretOnce } from '../src/db/secret-file.ts';
import { folderForTest, temporaryFolder } from './harness.ts';

let folder: string;
let server: EmbeddedPostgres;
let database: Database;
beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startEmbedded(join(folder, 'postgres'));
  database = openDatabase(server.url);
});
afterAll(async () => {
  await database.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const postmaster = async (): Promise<number> =>
  Number((await readFile(join(folder, 'postgres', 'cluster', 'postmaster.pid'), 'utf8')).split('\n')[0]);
const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

it('its folder and its password are its owner’s alone', async () => {
  expect(await mode(join(folder, 'postgres'))).toBe(0o700);
  expect(await mode(join(folder, 'postgres', 'password'))).toBe(0o600);
  expect(await mode(join(folder, 'postgres', 'cluster'))).toBe(0o700);
});

it('it wants its password, and listens on loopback only', async () => {
  const stranger = openDatabase(server.url.replace(/:[^:@]+@/, ':wrong@'));
  await expect(stranger.db.execute(sql`select 1`)).rejects.toMatchObject({ cause: { code: '28P01' } });
  await stranger.close();
  const [row] = await database.db.execute(
    sql`select setting from pg_settings where name = 'listen_addresses'`,
  );
  expect(row).toEqual({ setting: '127.0.0.1' });
});

it('two servers that migrate at the same time do it once', async () => {
  await Promise.all([migrate(server.url), migrate(server.url), migrate(server.url)]);
  const [row] = await database.db.execute<{ twice: number }>(
    sql`select count(*) - count(distinct hash) as twice from drizzle.__drizzle_migrations`,
  );
  expect(Number(row?.twice)).toBe(0);
});

it('killed without warning it comes back at the same address, with everything that was committed', async () => {
  await database.db.execute(sql`create table kept (n int)`);
  await database.db.execute(sql`insert into kept values (42)`);
  const first = await postmaster();
  process.kill(first, 'SIGKILL');
  await expect.poll(postmaster, { timeout: 15_000 }).not.toBe(first);
  await expect
    .poll(() => database.db.execute(sql`select n from kept`).catch(() => []), { timeout: 15_000 })
    .toEqual([{ n: 42 }]);
});

it('a folder that is no cluster is said to be none', async () => {
  const broken = join(await folderForTest(), 'postgres');
  await mkdir(join(broken, 'cluster'), { recursive: true });
  await expect(startEmbedded(broken)).rejects.toThrow(/^Postgres did not start: .+/);
});

it('the folder that the other user may not enter is named, the topmost one first', async () => {
  const top = await folderForTest();
  const inner = join(top, 'a', 'b');
  await mkdir(inner, { recursive: true });
  const nobody = { uid: 65_534, gid: 65_534 };
  expect(await blockedFolder(nobody, join(inner, 'data'))).toBeUndefined();
  await chmod(inner, 0o700);
  expect(await blockedFolder(nobody, join(inner, 'data'))).toBe(inner);
  await chmod(dirname(inner), 0o700);
  expect(await blockedFolder(nobody, join(inner, 'data'))).toBe(dirname(inner));
  const refusal = refuseBlockedFolders(nobody, [join(inner, 'data')]);
  await expect(refusal).rejects.toThrow(StartError);
  await expect(refusal).rejects.toThrow(dirname(inner));
});

it('a secret is 0600 and made once, even when several make it at the same time', async () => {
  const path = join(await folderForTest(), 'secret');
  let n = 0;
  const made = await Promise.all([1, 2, 3].map(() => writeSecretOnce(path, () => `secret ${(n += 1)}`)));
  expect(new Set(made).size).toBe(1);
  expect(await mode(path)).toBe(0o600);
  await writeSecret(path, 'other');
  expect(await mode(path)).toBe(0o600);
  expect(await writeSecretOnce(path, () => 'never')).toBe('other');
});
