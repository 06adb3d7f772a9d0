import { isAbsolute } from 'node:path';
import { expect, it } from 'vitest';
import { parseConfig, StartError } from './config.ts';

it('nothing set gives the documented ports on loopback and Postgres in an absolute data folder', () => {
  const config = parseConfig({});
  expect(config).toMatchObject({ host: '127.0.0.1', apiPort: 8443, mqttPort: 8883, httpPort: 8080 });
  expect(config.databaseUrl).toBeUndefined();
  expect(isAbsolute(config.dataFolder)).toBe(true);
});

it('an empty variable is an absent one', () => {
  expect(parseConfig({ DATABASE_URL: '', WAFER_HTTP_PORT: '' })).toEqual(parseConfig({}));
});

const OIDC = { WAFER_OIDC_ISSUER: 'https://idp.example', WAFER_OIDC_CLIENT_ID: 'wafer' };

it('single sign-on is there when it has an issuer and a client, inside this network only when that is said', () => {
  expect(parseConfig({}).sso).toBeUndefined();
  expect(parseConfig(OIDC).sso).toMatchObject({ issuer: 'https://idp.example', clientId: 'wafer' });
  const inside = {
    ...OIDC,
    WAFER_OIDC_ISSUER: 'http://10.0.0.5:9000',
    WAFER_PRIVATE_HOSTS: 'B.example, 10.0.0.5:9000',
  };
  expect(parseConfig(inside)).toMatchObject({
    sso: { issuer: 'http://10.0.0.5:9000' },
    privateHosts: ['b.example', '10.0.0.5:9000'],
  });
});

it('a public address is an origin, written one way, and the proxy stands on loopback unless others are named', () => {
  expect(parseConfig({})).toMatchObject({ publicUrl: undefined, trustedProxies: [] });
  expect(parseConfig({ WAFER_PUBLIC_URL: 'https://Fleet.Example.org:443' })).toMatchObject({
    publicUrl: 'https://fleet.example.org',
    trustedProxies: ['127.0.0.1', '::1'],
  });
  for (const url of ['http://localhost:8080', 'http://127.0.0.1:8080', 'http://[::1]:8080'])
    expect(parseConfig({ WAFER_PUBLIC_URL: url }).publicUrl).toBe(url);
  const chain = { WAFER_PUBLIC_URL: 'https://f.example', WAFER_TRUSTED_PROXIES: '::1, 10.1.0.0/16' };
  expect(parseConfig(chain).trustedProxies).toEqual(['::1', '10.1.0.0/16']);
});

it.each([
  'http://fleet.example.org',
  'http://localhost.example.org',
  'http://127.0.0.1.example.org',
  'https://fleet.example.org/',
  'https://fleet.example.org/wafer',
  'https://fleet.example.org?a',
  'https://ann@fleet.example.org',
  'https://*.example.org',
  'https://a.example,https://b.example',
  'fleet.example.org',
  'ftp://fleet.example.org',
  'null',
])('the public address %s is refused in one line', (url) => {
  const attempt = () => parseConfig({ WAFER_PUBLIC_URL: url });
  expect(attempt).toThrow(StartError);
  expect(attempt).toThrow(/^The configuration is not valid. WAFER_PUBLIC_URL: must be an origin .*$/);
});

it.each([
  ['a port out of range', { WAFER_API_PORT: '70000' }, /WAFER_API_PORT/],
  ['a port that is no number', { WAFER_MQTT_PORT: 'mqtt' }, /WAFER_MQTT_PORT/],
  ['a host with a scheme', { WAFER_HOST: 'https://fleet' }, /WAFER_HOST/],
  ['a database of another kind', { DATABASE_URL: 'mysql://localhost/x' }, /DATABASE_URL/],
  ['half a single sign-on', { WAFER_OIDC_CLIENT_ID: 'wafer' }, /WAFER_OIDC_ISSUER/],
  ['an issuer that is not https', { ...OIDC, WAFER_OIDC_ISSUER: 'http://idp.example' }, /must be https/],
  ['an issuer that is no URL', { ...OIDC, WAFER_OIDC_ISSUER: 'idp.example' }, /WAFER_OIDC_ISSUER/],
  ['a URL among private hosts', { WAFER_PRIVATE_HOSTS: 'a.example, https://b' }, /WAFER_PRIVATE_HOSTS/],
  [
    'a proxy by its name',
    { WAFER_PUBLIC_URL: 'https://f.example', WAFER_TRUSTED_PROXIES: 'proxy' },
    /WAFER_TRUSTED_PROXIES/,
  ],
  [
    'everybody as a proxy',
    { WAFER_PUBLIC_URL: 'https://f.example', WAFER_TRUSTED_PROXIES: '0.0.0.0/0' },
    /WAFER_TRUSTED_PROXIES.*every address/,
  ],
  ['a proxy of nothing', { WAFER_TRUSTED_PROXIES: '127.0.0.1' }, /WAFER_PUBLIC_URL/],
  ['two mistakes', { WAFER_HTTP_PORT: '-1', WAFER_LOG_LEVEL: 'loud' }, /WAFER_HTTP_PORT.*WAFER_LOG_LEVEL/],
])('%s is named in one line', (_what, environment, line) => {
  const attempt = () => parseConfig(environment);
  expect(attempt).toThrow(StartError);
  expect(attempt).toThrow(line);
  expect(attempt).not.toThrow(/\n/);
});
