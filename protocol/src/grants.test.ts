import { describe, expect, it, test } from 'vitest';
import { refusals, describeRefusals } from './admission.ts';
import { filterCovers, firstBeyond, Grants } from './grants.ts';

const grants = (value: unknown): Grants => Grants.parse(value);

describe('filterCovers', () => {
  it.each([
    ['a/#', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/+', 'a/#', false],
    ['a/b', 'a/+', false],
    ['#', '#', true],
    ['a', 'a/b', false],
    ['#', '$board/door', false],
    ['+/door', '$board/door', false],
    ['$board/#', '$board/door', true],
  ])('%s over %s: %s', (filter, topic, covered) => expect(filterCovers(filter, topic)).toBe(covered));
});

describe('firstBeyond', () => {
  const bound = grants({
    filesystem: [{ host: '/sys/class', guest: '/sys', access: 'read' }],
    messaging: { publish: ['telemetry/#'] },
    keyvalue: [{ store: 'default', maxBytes: 65536 }],
    http: [{ host: '*.example.org', methods: ['GET', 'POST'] }],
    secrets: ['api-key'],
    clock: true,
    environment: { REGION: 'eu' },
  });

  it('finds nothing beyond a bound in what lies within it', () => {
    const wanted = grants({
      filesystem: [{ host: '/sys/class/thermal', guest: '/thermal', access: 'read' }],
      messaging: { publish: ['telemetry/load'] },
      keyvalue: [{ store: 'default', maxBytes: 4096 }],
      http: [{ host: '*.eu.example.org' }, { host: 'a.b.example.org', port: 443, methods: ['POST'] }],
      secrets: ['api-key'],
      clock: true,
    });
    expect(firstBeyond(wanted, bound)).toBeUndefined();
  });

  it.each([
    [
      { filesystem: [{ host: '/sys/class/thermal', guest: '/t', access: 'write' }] },
      'filesystem /sys/class/thermal (write)',
    ],
    [
      { filesystem: [{ host: '/sys/classified', guest: '/t', access: 'read' }] },
      'filesystem /sys/classified (read)',
    ],
    [{ messaging: { publish: ['#'] } }, 'messaging.publish #'],
    [{ messaging: { subscribe: ['telemetry/x'] } }, 'messaging.subscribe telemetry/x'],
    [{ http: [{ host: 'example.org' }] }, 'http GET https://example.org:443'],
    [{ http: [{ host: 'a.example.org', methods: ['GET', 'PUT'] }] }, 'http PUT https://a.example.org:443'],
    [{ http: [{ scheme: 'http', host: 'a.example.org' }] }, 'http GET http://a.example.org:80'],
    [{ http: [{ host: 'a.example.org', port: 8443 }] }, 'http GET https://a.example.org:8443'],
    [{ http: [{ host: 'a.example.org', addresses: ['10.0.0.0/8'] }] }, 'http GET https://a.example.org:443'],
    [{ http: [{ host: 'badexample.org' }] }, 'http GET https://badexample.org:443'],
    [{ secrets: ['other-key'] }, 'secrets other-key'],
    [{ keyvalue: [{ store: 'default', maxBytes: 65537 }] }, 'keyvalue default (65537 bytes)'],
    [{ keyvalue: [{ store: 'other', maxBytes: 1 }] }, 'keyvalue other (1 bytes)'],
    [{ random: true }, 'random'],
    [{ environment: { REGION: 'us' } }, 'environment REGION'],
    [{ arguments: ['--all'] }, 'arguments'],
  ])('names %j', (wanted, name) => expect(firstBeyond(grants(wanted), bound)).toBe(name));

  it.each(['relative', '/a/../b', '/a/./b', '/a//b', '/..'])('has no path like %s', (host) =>
    expect(Grants.safeParse({ filesystem: [{ host, guest: '/x', access: 'read' }] }).success).toBe(false),
  );
});

test.each(['../x', 'a/b', 'a.b', '', 'A', '-a', 'a'.repeat(40)])('no store is called "%s"', (store) =>
  expect(Grants.safeParse({ keyvalue: [{ store, maxBytes: 1 }] }).success).toBe(false),
);

test.each(['Example.org', 'a*.example.org', '*', 'https://a.org', 'a.org:80', 'a..org', 'a.org/x', ''])(
  'no http host is called "%s"',
  (host) => expect(Grants.safeParse({ http: [{ host }] }).success).toBe(false),
);

test.each(['192.168.0.7', '::1', 'fe80::1', 'localhost', 'xn--mnchen-3ya.de', '*.a.org'])(
  'an http host may be "%s"',
  (host) => expect(Grants.safeParse({ http: [{ host }] }).success).toBe(true),
);

test.each(['$SYS/#', '$board', '$'])('no guest is granted the topic %s', (filter) =>
  expect(Grants.safeParse({ messaging: { publish: [filter] } }).success).toBe(false),
);

test('a store is granted once', () => {
  const one = { store: 'default', maxBytes: 1 };
  expect(Grants.safeParse({ keyvalue: [one, { ...one, maxBytes: 2 }] }).success).toBe(false);
});

describe('admission', () => {
  it('lets ambient imports of every 0.2 version in', () => {
    expect(refusals(['wasi:io/streams@0.2.0', 'wasi:cli/stdout@0.2.12'], {})).toEqual([]);
  });

  it('names each import that is refused and the grant that would admit it', () => {
    const refused = refusals(
      ['wasi:clocks/wall-clock@0.2.6', 'wasi:http/outgoing-handler@0.2.0', 'wasi:io/poll@0.3.0'],
      {},
    );
    expect(refused).toEqual([
      { import: 'wasi:clocks/wall-clock@0.2.6', grant: 'clock' },
      { import: 'wasi:http/outgoing-handler@0.2.0', grant: 'http' },
      { import: 'wasi:io/poll@0.3.0' },
    ]);
    expect(describeRefusals(refused)).toContain(
      'wasi:clocks/wall-clock@0.2.6, which needs the grant "clock"',
    );
  });

  it('lets no key-value store in without the grant of that name, and only in the draft that is served', () => {
    const store = 'wasi:keyvalue/store@0.2.0-draft2';
    const granted = grants({ keyvalue: [{ store: 'default', maxBytes: 4096 }] });
    expect(refusals([store], granted)).toEqual([]);
    expect(refusals([store], {})).toEqual([{ import: store, grant: 'keyvalue' }]);
    expect(refusals([store], grants({ keyvalue: [] }))).toEqual([{ import: store, grant: 'keyvalue' }]);
    const others = ['wasi:keyvalue/store@0.2.0-draft', 'wasi:keyvalue/atomics@0.2.0-draft2'];
    expect(refusals(others, granted)).toEqual(others.map((name) => ({ import: name })));
    expect(refusals(['wasi:logging/logging@0.1.0-draft2'], {})).toHaveLength(1);
  });

  it('takes nothing from the prototype for an interface', () => {
    expect(refusals(['constructor', '__proto__'], {})).toHaveLength(2);
  });
});
