import type { HttpGrant } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { covering, describeUse, parseTarget, prohibited } from './rules.ts';

const grant = (parts: Partial<HttpGrant>): HttpGrant => ({
  scheme: 'https',
  host: 'api.example.org',
  methods: ['GET'],
  ...parts,
});
const target = (authority: string) => parseTarget('https', authority)!;

describe('where a request goes', () => {
  it.each([
    ['api.example.org', 'api.example.org', 443],
    ['API.Example.org:8443', 'api.example.org', 8443],
    ['[::1]', '::1', 443],
    ['[0:0:0:0:0:0:0:1]:80', '::1', 80],
    ['[::FFFF:127.0.0.1]', '::ffff:7f00:1', 443],
  ])('is read from %s', (authority, host, port) => {
    expect(parseTarget('https', authority)).toEqual({ scheme: 'https', host, port });
  });

  it.each([
    ['a:b@c'],
    ['a@b'],
    ['a:'],
    ['a:0'],
    ['a:65536'],
    ['a/b'],
    ['a?b'],
    ['a b'],
    ['[::1'],
    ['[1.2.3.4]'],
    ['::1'],
  ])('is not read from %s', (authority) => {
    expect(parseTarget('https', authority)).toBeUndefined();
  });

  it('is told with the port, and an IPv6 address in brackets', () => {
    expect(describeUse('GET', target('[::1]'))).toBe('http GET https://[::1]:443');
  });
});

describe('a grant', () => {
  it('covers its host whatever the spelling of an IPv6 address', () => {
    expect(covering([grant({ host: '0:0::1' })], 'GET', target('[::1]'))).toHaveLength(1);
  });

  it('covers nothing by one thing alone', () => {
    const all = [grant({ methods: ['POST'] }), grant({ host: 'other.org' }), grant({ port: 8443 })];
    expect(covering(all, 'GET', target('api.example.org'))).toEqual([]);
    expect(covering(all, 'POST', target('api.example.org'))).toEqual([all[0]]);
  });
});

describe('the addresses of a name', () => {
  it('may all be public', () => {
    expect(prohibited([grant({})], ['1.1.1.1', '2606:4700::1'])).toBeUndefined();
  });

  it('are denied by the first that is not', () => {
    expect(prohibited([grant({})], ['1.1.1.1', '10.0.0.7', '127.0.0.1'])).toBe('10.0.0.7');
  });

  it('are allowed where they are named', () => {
    expect(prohibited([grant({ addresses: ['10.0.0.0/8'] })], ['10.0.0.7'])).toBeUndefined();
    expect(prohibited([grant({ addresses: ['10.0.0.0/8'] })], ['10.0.0.7', '127.0.0.1'])).toBe('127.0.0.1');
  });

  it('are loopback for localhost, and nothing else', () => {
    expect(prohibited([grant({ host: 'localhost' })], ['127.0.0.1', '::1'])).toBeUndefined();
    expect(prohibited([grant({ host: 'localhost' })], ['192.168.1.1'])).toBe('192.168.1.1');
  });

  it('are themselves for a literal address, and not for a pattern that covers it', () => {
    expect(prohibited([grant({ host: '192.168.1.1' })], ['192.168.1.1'])).toBeUndefined();
    expect(prohibited([grant({ host: '*.168.1.1' })], ['192.168.1.1'])).toBe('192.168.1.1');
    expect(prohibited([grant({ host: '::ffff:10.0.0.7' })], ['::ffff:a00:7'])).toBeUndefined();
  });
});
