/**
 * A classic update server, as small as it can be: devices ask over HTTPS whether there is something for them
 * (eclipse-hawkbit's Direct Device Integration API is the model), fetch the action, and give feedback until
 * it is closed. Waves are opened one after the other, when all of the one before have closed. One process,
 * prepared statements, one statement a request.
 *
 * Standard input: one JSON of where Postgres is, what TLS shows, and how many devices there are. Then a line
 * starts a rollout. Standard output: a line when it listens, and one when a rollout is over.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { z } from 'zod';

const Setup = z.strictObject({
  url: z.string(),
  key: z.string(),
  cert: z.string(),
  devices: z.number().int(),
});
const Feedback = z.strictObject({
  execution: z.enum(['download', 'proceeding', 'closed']),
  result: z.enum(['none', 'success', 'failure']),
});
const WAVES_PERCENT = [1, 10, 100] as const;
const LOOK_MS = 1000;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const setup = Setup.parse(JSON.parse((await lines.next()).value as string));
const sql = postgres(setup.url, { max: 10, onnotice: () => undefined });
await sql`drop schema if exists polling cascade`;
await sql`create schema polling`;
await sql`create table polling.targets (id text primary key, token text not null, last_poll timestamptz)`;
await sql`create table polling.actions (id bigserial primary key, target text not null, rollout int not null,
  wave int not null, status text not null, updated timestamptz not null)`;
await sql`create index on polling.actions (target, status)`;
await sql`create index on polling.actions (rollout, wave, status)`;
await sql`create table polling.action_status (id bigserial primary key, action bigint not null,
  at timestamptz not null, execution text not null, result text not null)`;
await sql`create index on polling.action_status (action)`;
await sql`insert into polling.targets (id, token)
  select 'device-' || n, 'token-' || n from generate_series(0, ${setup.devices - 1}::int) n`;

/** The target's open action; undefined for a token that is not the target's. */
async function poll(target: string, token: string): Promise<{ action: string | null } | undefined> {
  const [row] = await sql<{ action: string | null }[]>`
    update polling.targets t set last_poll = now() where id = ${target} and token = ${token}
    returning (select a.id from polling.actions a
      where a.target = t.id and a.status in ('running', 'downloading', 'proceeding') limit 1) as action`;
  return row;
}

async function feedback(target: string, action: string, { execution, result }: z.infer<typeof Feedback>) {
  const status =
    execution === 'closed'
      ? result === 'success'
        ? 'finished'
        : 'error'
      : execution === 'download'
        ? 'downloading'
        : 'proceeding';
  await sql`
    with told as (
      insert into polling.action_status (action, at, execution, result)
      values (${action}, now(), ${execution}, ${result}))
    update polling.actions set status = ${status}, updated = now() where id = ${action} and target = ${target}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function answer(request: IncomingMessage): Promise<object | undefined> {
  const [, , target = '', base, action = ''] = (request.url ?? '').split('/');
  const token = request.headers.authorization?.replace('TargetToken ', '') ?? '';
  if (base === undefined) {
    const found = await poll(target, token);
    if (found === undefined) return undefined;
    const links =
      found.action === null
        ? {}
        : { deploymentBase: { href: `/controller/${target}/deploymentBase/${found.action}` } };
    return { config: { polling: { sleep: '00:05:00' } }, _links: links };
  }
  if (request.method === 'GET') {
    const [row] =
      await sql`select id, status from polling.actions where id = ${action} and target = ${target}`;
    const artifacts = [{ filename: 'app.bin', hashes: { sha256: 'a'.repeat(64) }, size: 1_000_000 }];
    return {
      id: row?.['id'],
      deployment: {
        download: 'forced',
        update: 'forced',
        chunks: [{ part: 'app', version: '2', artifacts }],
      },
    };
  }
  await feedback(target, action, Feedback.parse(JSON.parse(await bodyOf(request))));
  return {};
}

const server = createServer({ key: setup.key, cert: setup.cert }, (request, response: ServerResponse) => {
  answer(request).then(
    (body) => {
      response.writeHead(body === undefined ? 401 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body ?? {}));
    },
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', 6000);
await once(server, 'listening');
process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);

async function rollOut(rollout: number): Promise<void> {
  let begun = 0;
  for (const [wave, percent] of WAVES_PERCENT.entries()) {
    const until = Math.ceil((setup.devices * percent) / 100);
    await sql`insert into polling.actions (target, rollout, wave, status, updated)
      select 'device-' || n, ${rollout}, ${wave}, 'running', now() from generate_series(${begun}::int, ${until - 1}::int) n`;
    begun = until;
    for (;;) {
      const [row] = await sql<{ open: number }[]>`select count(*)::int as open from polling.actions
        where rollout = ${rollout} and wave = ${wave} and status not in ('finished', 'error')`;
      if (row?.open === 0) break;
      await sleep(LOOK_MS);
    }
  }
}

let rollout = 0;
for await (const _ of { [Symbol.asyncIterator]: () => lines }) {
  rollout += 1;
  await rollOut(rollout);
  process.stdout.write(`${JSON.stringify({ over: rollout })}\n`);
}
await sql.end();
process.exit(0);
