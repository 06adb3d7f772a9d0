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

it.each([
  ['a port out of range', { WAFER_API_PORT: '70000' }, /WAFER_API_PORT/],
  ['a port that is no number', { WAFER_MQTT_PORT: 'mqtt' }, /WAFER_MQTT_PORT/],
  ['a host with a scheme', { WAFER_HOST: 'https://fleet' }, /WAFER_HOST/],
  ['a database of another kind', { DATABASE_URL: 'mysql://localhost/x' }, /DATABASE_URL/],
  ['half a single sign-on', { WAFER_OIDC_CLIENT_ID: 'wafer' }, /WAFER_OIDC_ISSUER/],
  ['an issuer that is not https', { ...OIDC, WAFER_OIDC_ISSUER: 'http://idp.example' }, /must be https/],
  ['an issuer that is no URL', { ...OIDC, WAFER_OIDC_ISSUER: 'idp.example' }, /WAFER_OIDC_ISSUER/],
  ['a URL among private hosts', { WAFER_PRIVATE_HOSTS: 'a.example, https://b' }, /WAFER_PRIVATE_HOSTS/],
  ['two mistakes', { WAFER_HTTP_PORT: '-1', WAFER_LOG_LEVEL: 'loud' }, /WAFER_HTTP_PORT.*WAFER_LOG_LEVEL/],
])('%s is named in one line', (_what, environment, line) => {
  const attempt = () => parseConfig(environment);
  expect(attempt).toThrow(StartError);
  expect(attempt).toThrow(line);
  expect(attempt).not.toThrow(/\n/);
});
