import { describe, expect, it } from 'vitest';
import { blocks, isNamed, isPublic, unmapped } from './addresses.ts';

describe('an address', () => {
  it.each([
    ['1.1.1.1'],
    ['9.255.255.255'],
    ['11.0.0.0'],
    ['100.63.255.255'],
    ['100.128.0.0'],
    ['172.15.255.255'],
    ['172.32.0.0'],
    ['192.0.1.1'],
    ['198.20.0.0'],
    ['223.255.255.255'],
    ['::ffff:8.8.8.8'],
    ['::ffff:808:808'],
    ['64:ff9b::8.8.8.8'],
    ['2002:808:808::1'],
    ['2606:4700:4700::1111'],
    ['2a00::1'],
    ['2001:4860:4860::8888'],
  ])('is public: %s', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  it.each([
    ['this network', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['private', '10.0.0.7'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.1.1'],
    ['shared', '100.64.0.1'],
    ['shared', '100.127.255.255'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['link-local', '169.254.169.254'],
    ['protocol assignments', '192.0.0.8'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.1'],
    ['documentation', '203.0.113.1'],
    ['benchmarks', '198.19.0.1'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['loopback, spelled out', '0:0:0:0:0:0:0:1'],
    ['unique local', 'fc00::1'],
    ['unique local', 'fdff::1'],
    ['link-local', 'fe80::1'],
    ['link-local, with a zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['Teredo', '2001:0:808:808::1'],
    ['discard', '100::1'],
    ['mapped', '::ffff:10.0.0.7'],
    ['mapped', '::ffff:7f00:1'],
    ['mapped, spelled out', '0:0:0:0:0:ffff:a9fe:a9fe'],
    ['compatible', '::127.0.0.1'],
    ['translated', '64:ff9b::10.0.0.7'],
    ['translated', '64:ff9b::7f00:1'],
    ['translated locally', '64:ff9b:1::808:808'],
    ['6to4', '2002:7f00:1::1'],
    ['6to4', '2002:a00:7::'],
    ['no address', 'localhost'],
    ['no address', ''],
    ['no address', '1.1.1'],
  ])('is not public: %s %s', (_, address) => {
    expect(isPublic(address)).toBe(false);
  });
});

describe('a list of addresses and blocks', () => {
  const list = blocks(['10.0.0.0/8', '192.168.1.1', 'fd00::/8', 'nonsense', '::1']);

  it.each([['10.1.2.3'], ['192.168.1.1'], ['::ffff:10.0.0.1'], ['fd12::1'], ['::1']])(
    'names %s',
    (address) => {
      expect(isNamed(list, address)).toBe(true);
    },
  );

  it.each([['11.0.0.1'], ['192.168.1.2'], ['fc00::1'], ['::2'], ['nonsense'], ['fd00::1%lo']])(
    'does not name %s',
    (address) => {
      expect(isNamed(list, address)).toBe(false);
    },
  );
});

it('a mapped address is the IPv4 address that it maps', () => {
  expect(unmapped('::ffff:1.2.3.4')).toBe('1.2.3.4');
  expect(unmapped('::ffff:102:304')).toBe('1.2.3.4');
  expect(unmapped('::1')).toBe('::1');
  expect(unmapped('1.2.3.4')).toBe('1.2.3.4');
});
