import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Ready } from '../src/start.ts';
import { freshDatabase, temporaryFolder, type TestDatabase } from './harness.ts';
import { runServer, type Run } from './harness-process.ts';

let data: string;
let server: Run;
let ready: Ready;
let token: string;

const credentials = async (): Promise<{ api: string; token: string }> =>
  JSON.parse(await readFile(join(data, 'server', 'credentials.json'), 'utf8'));

async function startAgain(): Promise<void> {
  server = runServer({ WAFER_DATA: data });
  ready = await server.ready;
  ({ token } = await credentials());
}

beforeAll(async () => {
  data = await temporaryFolder();
  await startAgain();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await rm(data, { recursive: true, force: true });
});

const call = (path: string, init: RequestInit = {}) =>
  fetch(`${ready.dashboard}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
  });

/** Over the devices' listener, with the server's own CA and nothing else trusted. */
const callSecurely = async (path: string): Promise<{ status: number; body: string }> => {
  const ca = await readFile(join(data, 'server', 'pki', 'ca.crt'));
  return new Promise((resolve, reject) => {
    request(`${ready.api}${path}`, { ca, headers: { accept: 'text/html' } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });
};

describe('a server that serves', () => {
  it('said what it did and where it is, in JSON lines', () => {
    const lines = server.child.exitCode === null ? ready : undefined;
    expect(lines).toMatchObject({ ready: true, data, credentials: join(data, 'server', 'credentials.json') });
    expect(ready.dashboard).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(ready.api).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(ready.mqtt.port).toBeGreaterThan(0);
    expect(ready.signIn.startsWith(`${ready.dashboard}/sign-in?token=`)).toBe(true);
  });

  it('keeps every secret to its owner (0600 in folders of 0700)', async () => {
    const root = join(data, 'server');
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ca.key', 'server.key', 'cookie-secret', 'credentials.json', 'director.pem']),
    );
    for (const entry of files)
      expect([entry.name, (await stat(join(entry.parentPath, entry.name))).mode & 0o777]).toEqual([
        entry.name,
        0o600,
      ]);
    expect((await stat(root)).mode & 0o077).toBe(0);
  });

  it('gives the owner of the data folder an admin’s token', async () => {
    expect((await credentials()).api).toBe(ready.dashboard);
    expect(await (await call('/api/v1/me')).json()).toEqual({ name: 'local', role: 'admin', via: 'token' });
  });

  it('signs in whoever follows the link that it printed', async () => {
    const answer = await fetch(ready.signIn, { redirect: 'manual' });
    expect(answer.headers.get('location')).toBe('/');
    expect(answer.headers.getSetCookie()[0]).toContain('HttpOnly');
  });

  it('shows its API over TLS under its own CA, and there neither dashboard nor sign-in', async () => {
    expect((await callSecurely('/api/v1/openapi.json')).status).toBe(200);
    expect((await callSecurely('/api/v1/me')).status).toBe(401);
    for (const path of ['/', '/index.html', '/sign-in?token=x', '/devices'])
      expect((await callSecurely(path)).status).toBe(404);
  });

  /** Every route of every context, from the server's own description. */
  async function routes(): Promise<{ method: string; path: string; role: string | undefined }[]> {
    const { paths } = (await (await call('/api/v1/openapi.json')).json()) as {
      paths: Record<string, Record<string, { description?: string }>>;
    };
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { description }]) => ({
        method: method.toUpperCase(),
        path: path.replaceAll(/\{[^}]+\}/g, 'x'),
        role: /Needs the role (\w+)/.exec(description ?? '')?.[1],
      })),
    );
  }

  it('takes malformed JSON on no route, and says so on each', async () => {
    const changing = (await routes()).filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    expect(changing.length).toBeGreaterThan(8);
    for (const { method, path } of changing) {
      const headers = { 'content-type': 'application/json' };
      const answer = await call(path, { method, headers, body: '{"cut": ' });
      const { code } = (await answer.json()) as { code: string };
      expect([method, path, answer.status, code]).toEqual([method, path, 400, 'request.malformed']);
    }
  });

  it('tells a stranger nothing on any route but how to enrol or renew and what the API looks like', async () => {
    const all = await routes();
    expect(all.length).toBeGreaterThan(15);
    for (const { method, path, role } of all) {
      const answer = await fetch(`${ready.dashboard}${path}`, { method });
      if (role === undefined) expect(['/api/v1/enrolments', '/api/v1/renewals']).toContain(path);
      else expect([method, path, answer.status]).toEqual([method, path, 401]);
    }
  });

  it('lets no viewer change anything', async () => {
    const made = await call('/api/v1/tokens', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"name":"reader","role":"viewer"}',
    });
    const viewer = { authorization: `Bearer ${((await made.json()) as { token: string }).token}` };
    for (const { method, path, role } of await routes()) {
      if (role === undefined || role === 'viewer') continue;
      const answer = await call(path, { method, headers: viewer });
      expect([method, path, answer.status]).toEqual([method, path, 403]);
    }
  });

  it('keeps a second server out of its data folder', async () => {
    const second = await runServer({ WAFER_DATA: data }).ended;
    expect(second.code).toBe(1);
    expect(second.stderr).toBe(
      `The data folder ${data} is used by another server (process ${server.child.pid}): stop it, or set WAFER_DATA.\n`,
    );
    expect((await call('/healthz')).status).toBe(200);
  });

  it('stays up while its Postgres is killed and comes back (the same process, nothing lost)', async () => {
    const file = join(data, 'postgres', 'cluster', 'postmaster.pid');
    const postmaster = async (): Promise<number> =>
      Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
    const first = await postmaster();
    process.kill(first, 'SIGKILL');
    await expect.poll(postmaster, { timeout: 15_000 }).not.toBe(first);
    await expect.poll(async () => (await call('/healthz')).status, { timeout: 15_000 }).toBe(200);
    expect(server.child.exitCode).toBeNull();
    expect((await call('/api/v1/me')).status).toBe(200);
  }, 60_000);

  it('killed without warning it starts again on the same data, over the Postgres that it left behind', async () => {
    const before = { token, ca: await readFile(join(data, 'server', 'pki', 'ca.crt'), 'utf8') };
    await server.stop('SIGKILL');
    await startAgain();
    expect({ token, ca: await readFile(join(data, 'server', 'pki', 'ca.crt'), 'utf8') }).toEqual(before);
    expect((await call('/api/v1/me')).status).toBe(200);
  }, 60_000);

  it('stops when it is asked to, with Postgres, and finds everything as it was', async () => {
    const before = token;
    const ended = await server.stop('SIGINT');
    expect(ended.code).toBe(0);
    expect(ended.stderr).toBe('');
    await expect(stat(join(data, 'postgres', 'cluster', 'postmaster.pid'))).rejects.toThrow();
    await rm(join(data, 'server', 'credentials.json'));
    await startAgain();
    expect(token).not.toBe(before);
    expect((await call('/api/v1/me')).status).toBe(200);
    expect((await call('/api/v1/me', { headers: { authorization: `Bearer ${before}` } })).status).toBe(200);
  }, 60_000);
});

it('a server with a public address leads people there, and the CLI of its machine to loopback', async () => {
  const [own, database] = [await temporaryFolder(), await freshDatabase()];
  const WAFER_PUBLIC_URL = 'https://fleet.example.org';
  const run = runServer({ WAFER_DATA: own, DATABASE_URL: database.url, WAFER_PUBLIC_URL });
  try {
    const said = await run.ready;
    expect(said.dashboard).toBe(WAFER_PUBLIC_URL);
    expect(said.signIn.startsWith(`${WAFER_PUBLIC_URL}/sign-in?token=`)).toBe(true);
    const { api } = JSON.parse(await readFile(said.credentials, 'utf8')) as { api: string };
    expect(api).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const proxied = await fetch(`${api}${said.signIn.slice(WAFER_PUBLIC_URL.length)}`, {
      redirect: 'manual',
    });
    expect(proxied.headers.getSetCookie()[0]).toMatch(/^__Host-wafer\.session_token=.*Secure/);
  } finally {
    await run.stop();
    await database.close();
    await rm(own, { recursive: true, force: true });
  }
}, 60_000);

describe('a server that cannot start says why in exactly one line', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await freshDatabase()));
  afterAll(() => database.close());

  async function refusal(env: Record<string, string>): Promise<string> {
    const own = await temporaryFolder();
    const { code, stderr } = await runServer({ WAFER_DATA: own, DATABASE_URL: database.url, ...env }).ended;
    await rm(own, { recursive: true, force: true });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    return stderr;
  }

  it.each(['WAFER_HTTP_PORT', 'WAFER_API_PORT', 'WAFER_MQTT_PORT'])(
    'when %s is taken',
    async (variable) => {
      const other = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => other.once('listening', resolve));
      const { port } = other.address() as AddressInfo;
      const line = await refusal({ [variable]: `${port}` });
      other.close();
      expect(line).toBe(
        `The port 127.0.0.1:${port} is taken: stop what listens there, or set ${variable}.\n`,
      );
    },
    60_000,
  );

  it('when the database cannot be reached, without its password', async () => {
    const line = await refusal({ DATABASE_URL: 'postgres://wafer:hush@127.0.0.1:1/fleet' });
    expect(line).toMatch(
      /^The database 127\.0\.0\.1:1\/fleet cannot be used \(.*ECONNREFUSED.*\): start it, or /,
    );
    expect(line).not.toContain('hush');
  });

  it('when the database does not take the password', async () => {
    const url = inject('postgresUrl').replace(/:[^:@]+@/, ':hush@');
    const line = await refusal({ DATABASE_URL: url });
    expect(line).toMatch(
      /^The database .* cannot be used \(password authentication failed .*\): start it, or /,
    );
    expect(line).not.toContain('hush');
  });

  it('when the configuration is wrong', async () => {
    expect(await refusal({ WAFER_MQTT_PORT: 'eighty' })).toMatch(
      /^The configuration is not valid\. WAFER_MQTT_PORT/,
    );
  });

  it('when the address is none of this machine', async () => {
    expect(await refusal({ WAFER_HOST: '192.0.2.1' })).toMatch(/no address 192\.0\.2\.1: set WAFER_HOST/);
  }, 60_000);

  it('when the data folder is a file', async () => {
    const own = await temporaryFolder();
    await writeFile(join(own, 'file'), '');
    expect(await refusal({ WAFER_DATA: join(own, 'file') })).toMatch(/cannot be used .*set WAFER_DATA/);
    await rm(own, { recursive: true });
  });

  it('when the CA was spoilt: it is never made anew over devices that trust it', async () => {
    const own = await temporaryFolder();
    await mkdir(join(own, 'server', 'pki'), { recursive: true });
    await writeFile(join(own, 'server', 'pki', 'ca.key'), 'spoilt');
    const line = await refusal({ WAFER_DATA: own });
    expect(line).toMatch(/^The CA in .* cannot be used .*backup/);
    await rm(own, { recursive: true, force: true });
  }, 60_000);
});
