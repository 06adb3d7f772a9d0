/** `wafer audit`: what a person reads, and that no server can talk its way round the chain. */
import { generateKeyPairSync } from 'node:crypto';
import {
  CHAIN_START,
  chainHash,
  headDocument,
  publicHex,
  signDocument,
  type AuditEventView,
  type AuditHead,
  type AuditStatus,
} from '@wafer/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Person, signedIn } from './person.ts';

const KEY = generateKeyPairSync('ed25519').privateKey;

/** A chain of so many events, each batch of a hundred signed. */
function chainOf(count: number, key = KEY): AuditEventView[] {
  let head = CHAIN_START;
  return Array.from({ length: count }, (_, at) => {
    const event = {
      id: `${at + 10}`,
      at: '2026-11-21T09:00:00.000Z',
      actor: 'user:ann',
      source: '192.0.2.7',
      action: 'channel.moved',
      subject: 'channel:stable/thermo',
      before: { version: `1.${at}.0` },
      after: { version: `1.${at + 1}.0` },
    };
    head = { seq: head.seq + 1, hash: chainHash(head, event) };
    const signed = at % 100 === 99 || at === count - 1;
    const sig = signed ? (signDocument(headDocument(head), key).signatures[0]?.sig ?? null) : null;
    return { ...event, ...head, signature: sig };
  });
}

const headOf = (events: readonly AuditEventView[]): AuditHead | null => {
  const last = events.at(-1);
  return last === undefined ? null : { seq: last.seq ?? 0, hash: last.hash ?? '' };
};

let person: Person;
let events: AuditEventView[];
let status: Partial<AuditStatus>;
beforeEach(async () => {
  events = chainOf(2500);
  status = {};
  person = await signedIn();
  person.server.intercept = (request) => {
    const url = new URL(request.url ?? '', 'http://x');
    const after = Number(url.searchParams.get('after') ?? 0);
    const limit = Number(url.searchParams.get('limit'));
    switch (url.pathname) {
      case '/api/v1/audit/status': {
        const body = { head: headOf(events), anchor: null, unsealed: 0, key: publicHex(KEY), ...status };
        return { status: 200, body };
      }
      case '/api/v1/audit/chain':
        return {
          status: 200,
          body: { items: events.filter(({ seq }) => (seq ?? 0) > after).slice(0, limit) },
        };
      case '/api/v1/audit':
        return { status: 200, body: { items: events.toReversed().slice(0, limit) } };
      default:
        return undefined;
    }
  };
});
afterEach(() => person.leave());

const verify = (...more: string[]) => person.wafer('audit', 'verify', ...more);

describe('wafer audit verify', () => {
  it('follows the whole chain, page by page, and prints the head to note', async () => {
    const run = await verify();
    expect(run.exit).toBe(0);
    expect(run.stdout).toContain('the chain holds: 2500 events');
    expect(run.stdout).toContain(`head 2500:${events.at(-1)?.hash}`);
    expect(person.server.requests.filter((request) => request.includes('chain'))).toHaveLength(3);
  });

  it('says where it breaks when an event was altered', async () => {
    events[1233] = { ...(events[1233] as AuditEventView), actor: 'user:nobody' };
    const run = await verify();
    expect(run.exit).toBe(5);
    expect(run.stderr).toMatch(/^error audit\.broken: the chain breaks at 1234 \(event 1243\)/);
  });

  it('says where one is missing', async () => {
    events.splice(41, 1);
    expect((await verify()).stderr).toContain('the chain breaks at 42: event 42 is missing: 43 follows 41');
  });

  it('believes no page that is empty while a head was promised', async () => {
    status = { head: headOf(events) };
    events = [];
    expect((await verify()).stderr).toContain('a head at 2500 was noted');
  });

  it('finds a chain that is shorter than at the last run', async () => {
    expect((await verify()).exit).toBe(0);
    events = events.slice(0, 2400);
    expect((await verify()).stderr).toContain('a head at 2500 was noted');
  });

  it('finds a chain that was written anew as a whole, though every hash and signature fits', async () => {
    expect((await verify()).exit).toBe(0);
    const [first, ...rest] = events as [AuditEventView, ...AuditEventView[]];
    let head = CHAIN_START;
    events = [{ ...first, actor: 'user:nobody' }, ...rest].map((event) => {
      head = { seq: head.seq + 1, hash: chainHash(head, event) };
      const sig = signDocument(headDocument(head), KEY).signatures[0]?.sig ?? null;
      return { ...event, ...head, signature: sig };
    });
    expect((await verify()).stderr).toContain('when it was noted');
  });

  it('finds a server that signs with another key than at the last run', async () => {
    expect((await verify()).exit).toBe(0);
    const other = generateKeyPairSync('ed25519').privateKey;
    events = chainOf(2500, other);
    status = { key: publicHex(other) };
    expect((await verify()).stderr).toContain('signs with the key');
  });

  it('takes a head that was noted by hand, and refuses what is none', async () => {
    const head = `--head=12:${events[11]?.hash}`;
    expect((await verify(head)).exit).toBe(0);
    expect((await verify(`--head=13:${events[11]?.hash}`)).exit).toBe(5);
    expect((await verify('--head=12')).stderr).toContain('error cli.usage: --head 12');
  });

  it('finds an end that nobody signed', async () => {
    const last = events.at(-1) as AuditEventView;
    events = [...events.slice(0, -1), { ...last, signature: null }];
    expect((await verify()).stderr).toContain('its end is not signed');
  });

  it('says so when there is nothing yet', async () => {
    events = [];
    expect((await verify()).stdout).toBe('there are no sealed events yet\n');
  });
});

describe('wafer audit list', () => {
  it('shows who did what, from where, before and after', async () => {
    events = chainOf(1);
    const run = await person.wafer('audit', 'list', '--target', 'channel:stable', '--limit', '5');
    expect(run.stdout).toMatch(/NO +AT +WHO +FROM +WHAT +TARGET +BEFORE +AFTER/);
    expect(run.stdout).toContain('user:ann  192.0.2.7  channel.moved  channel:stable/thermo');
    expect(run.stdout).toContain('{"version":"1.0.0"}  {"version":"1.1.0"}');
    expect(person.server.requests).toContain('GET /audit?target=channel:stable&limit=5');
  });

  it('refuses a limit that is none', async () => {
    expect((await person.wafer('audit', 'list', '--limit', 'all')).exit).toBe(2);
  });
});
