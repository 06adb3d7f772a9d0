/** Server-side request forgery: requests that a setting names reach the public network only. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isPublic } from '@wafer/protocol/addresses';
import { outwardFetch, OutwardRefused } from '../../src/http/outward.ts';

let asked: string[];
let answer: RequestListener;
let port: number;
let close: () => Promise<void>;
beforeEach(async () => {
  asked = [];
  answer = (_request, response) => void response.end('inside');
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  ({ port } = server.address() as AddressInfo);
  close = () =>
    new Promise((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
});
afterEach(() => close());

describe('an address', () => {
  it.each([
    '127.0.0.1',
    '127.255.0.9',
    '0.0.0.0',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::7f00:1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'fd00::1',
    'fe80::1',
    'ff02::1',
  ])('%s is inside', (address) => {
    expect(isPublic(address)).toBe(false);
  });

  it.each(['8.8.8.8', '172.32.0.1', '192.169.0.1', '100.128.0.1', '2606:4700::1111'])(
    '%s is outside',
    (address) => {
      expect(isPublic(address)).toBe(true);
    },
  );
});

describe('a setting that names the server’s own network', () => {
  const nowhere = outwardFetch([]);

  it.each([
    ['an address', (at: number) => `https://127.0.0.1:${at}/`],
    ['a name that resolves to it', (at: number) => `https://localhost:${at}/`],
    ['IPv6', (at: number) => `https://[::1]:${at}/`],
    ['IPv4 inside IPv6', (at: number) => `https://[::ffff:127.0.0.1]:${at}/`],
    ['one number', (at: number) => `https://2130706433:${at}/`],
    ['hexadecimal', (at: number) => `https://0x7f.1:${at}/`],
    ['octal', (at: number) => `https://0177.0.0.1:${at}/`],
    ['a full stop at the end', (at: number) => `https://localhost.:${at}/`],
    ['the metadata of a cloud', () => 'https://169.254.169.254/latest/meta-data/'],
    ['plain HTTP', (at: number) => `http://127.0.0.1:${at}/`],
    ['a password in the URL', (at: number) => `https://a:b@example.org:${at}/`],
    ['a file', () => 'file:///etc/passwd'],
  ])('as %s reaches nothing', async (_how, url) => {
    const failure: unknown = await nowhere(url(port)).catch((error: unknown) => error);
    const isRefused = failure instanceof OutwardRefused;
    // A resolver may not know the name with a full stop at the end; nothing is reached then, either.
    expect([isRefused || (failure as { code?: string }).code === 'ENOTFOUND', asked]).toEqual([true, []]);
  });

  it('is obeyed for a host and port that the operator named, and for no other port of it', async () => {
    const named = outwardFetch([`127.0.0.1:${port}`]);
    expect(await (await named(`http://127.0.0.1:${port}/a`)).text()).toBe('inside');
    await expect(named(`http://127.0.0.1:${port + 1}/`)).rejects.toThrow(OutwardRefused);
    expect(asked).toEqual(['GET /a']);
  });

  it('is not followed to where an answer redirects', async () => {
    answer = (_request, response) => void response.writeHead(302, { location: 'http://127.0.0.1/' }).end();
    const response = await outwardFetch([`127.0.0.1:${port}`])(`http://127.0.0.1:${port}/`);
    expect([response.status, asked.length]).toEqual([302, 1]);
  });

  it('gets no more than a mebibyte into memory', async () => {
    answer = (_request, response) => {
      const more = (): void => void response.write(Buffer.alloc(65_536), more);
      more();
    };
    const read = outwardFetch([`127.0.0.1:${port}`])(`http://127.0.0.1:${port}/`);
    await expect(read).rejects.toThrow('over 1048576 octets');
  });
});
