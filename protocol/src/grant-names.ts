/**
 * What each single grant is called, wherever one of them is meant: in a fault, in the list of those that
 * a guest does not use. Without the schemas, because guests' threads name grants too.
 */
import { boardNames } from './board-names.ts';
import type { Grants, HttpGrant } from './grants.ts';

export const grantName = {
  filesystem: (host: string): string => `filesystem ${host}`,
  publish: (filter: string): string => `messaging.publish ${filter}`,
  subscribe: (filter: string): string => `messaging.subscribe ${filter}`,
  keyvalue: (store: string): string => `keyvalue ${store}`,
  secret: (name: string): string => `secrets ${name}`,
  http: (method: string, { scheme, host, port }: Pick<HttpGrant, 'scheme' | 'host' | 'port'>): string =>
    `http ${method} ${scheme}://${host}:${port ?? (scheme === 'https' ? 443 : 80)}`,
  ...boardNames,
  clock: 'clock',
  random: 'random',
} as const;

/** Every grant that a guest can use or leave; environment and arguments are data, and are not among them. */
export function grantNames(grants: Grants): string[] {
  return [
    ...(grants.filesystem ?? []).map(({ host }) => grantName.filesystem(host)),
    ...(grants.http ?? []).flatMap((grant) => grant.methods.map((method) => grantName.http(method, grant))),
    ...(grants.messaging?.publish ?? []).map(grantName.publish),
    ...(grants.messaging?.subscribe ?? []).map(grantName.subscribe),
    ...(grants.keyvalue ?? []).map(({ store }) => grantName.keyvalue(store)),
    ...(grants.secrets ?? []).map(grantName.secret),
    ...(grants.gpio ?? []).map(grantName.gpio),
    ...(grants.i2c ?? []).map(grantName.i2c),
    ...(grants.serial ?? []).map(({ device }) => grantName.serial(device)),
    ...(grants.sensors ?? []).map(grantName.sensors),
    ...(grants.clock === true ? [grantName.clock] : []),
    ...(grants.random === true ? [grantName.random] : []),
  ];
}
