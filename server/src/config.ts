/** The environment, parsed once. Every variable is described where the README lists them. */
import { resolve } from 'node:path';
import { DEFAULT_MAX_COMPONENT_BYTES } from '@wafer/protocol';
import { z } from 'zod';

/** Port 0 means any free one. */
const Port = z.coerce.number().int().min(0).max(65_535);

/** A name or address as it stands in a URL and in a certificate; no scheme, no port. */
const Host = z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'is no host name and no address');

/** As in a URL: `idp.internal`, `10.0.0.5:8443`, `[fd00::1]:8443`. */
const HOST_AND_PORT = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]{1,253})(:\d{1,5})?$/;

/** `localhost`, 127.0.0.0/8 or ::1, as a URL names them. */
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** An origin that browsers reach: https, or plain HTTP on loopback, where nobody listens in. Gives it normalised. */
const PublicUrl = z.string().transform((text, issues): string => {
  const url = /^https?:\/\/[^/?#@\\\s]+$/i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && HOST_AND_PORT.test(url.host))
    if (url.protocol === 'https:' || LOOPBACK.test(url.hostname)) return url.origin;
  issues.addIssue(
    'must be an origin without a path, as https://fleet.example.org (plain http on loopback only)',
  );
  return z.NEVER;
});

/** Addresses or networks, none of them everybody's. */
const Proxies = z
  .string()
  .transform((text) => text.split(',').map((address) => address.trim()))
  .pipe(
    z.array(
      z
        .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
          error: 'must be addresses or networks between commas',
        })
        .refine((address) => !/\/0+$/.test(address), 'must not be every address'),
    ),
  );

const Environment = z.object({
  WAFER_DATA: z.string().min(1).default('./data'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\/./, 'must look like postgres://user:password@host:5432/name')
    .optional(),
  WAFER_HOST: Host.default('127.0.0.1'),
  WAFER_API_PORT: Port.default(8443),
  WAFER_MQTT_PORT: Port.default(8883),
  WAFER_HTTP_PORT: Port.default(8080),
  WAFER_PUBLIC_URL: PublicUrl.optional(),
  WAFER_TRUSTED_PROXIES: Proxies.optional(),
  WAFER_MAX_COMPONENT_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .max(128 * 1024 * 1024)
    .default(DEFAULT_MAX_COMPONENT_BYTES),
  WAFER_OIDC_ISSUER: z.url({ protocol: /^https?$/ }).optional(),
  WAFER_OIDC_CLIENT_ID: z.string().max(500).optional(),
  WAFER_OIDC_CLIENT_SECRET: z.string().max(500).optional(),
  WAFER_OIDC_NAME: z.string().max(40).default('single sign-on'),
  WAFER_PRIVATE_HOSTS: z
    .string()
    .transform((text) => text.split(',').map((host) => host.trim().toLowerCase()))
    .pipe(
      z.array(z.string().regex(HOST_AND_PORT, 'must be hosts, each with a port or without, between commas')),
    )
    .default([]),
  WAFER_ONLINE_KEY_DAYS: z.coerce.number().int().min(0).max(3650).default(90),
  WAFER_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
});

/** Single sign-on with OpenID Connect. */
export interface SsoConfig {
  /** URL, as the provider's documents name it. */
  readonly issuer: string;
  readonly clientId: string;
  /** Absent: a public client, by PKCE alone. */
  readonly clientSecret: string | undefined;
  /** For people. */
  readonly name: string;
}

export interface Config {
  /** Absolute path. */
  readonly dataFolder: string;
  /** Absent: Postgres is embedded in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Where the listeners for devices bind, and the name that devices are told. */
  readonly host: string;
  readonly apiPort: number;
  readonly mqttPort: number;
  /** The dashboard's; always on loopback. */
  readonly httpPort: number;
  /** Origin at which a proxy that ends TLS offers the dashboard; absent: it is on loopback only. */
  readonly publicUrl: string | undefined;
  /** Whose `X-Forwarded-For` is believed: addresses or networks. */
  readonly trustedProxies: readonly string[];
  readonly maxComponentBytes: number;
  /** Absent: there is none. */
  readonly sso: SsoConfig | undefined;
  /** `host` or `host:port` inside this network that a setting may make the server call. */
  readonly privateHosts: readonly string[];
  /** Age at which the server makes successors of its keys, days; 0 is never. */
  readonly onlineKeyDays: number;
  readonly logLevel: z.infer<typeof Environment>['WAFER_LOG_LEVEL'];
}

/** Says in one line, for people, why the server cannot start; `main.ts` prints nothing else. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

function ssoOf(env: z.infer<typeof Environment>): SsoConfig | undefined {
  const { WAFER_OIDC_ISSUER: issuer, WAFER_OIDC_CLIENT_ID: clientId } = env;
  if (issuer === undefined && clientId === undefined) return undefined;
  if (issuer === undefined || clientId === undefined)
    throw new StartError('Single sign-on needs both WAFER_OIDC_ISSUER and WAFER_OIDC_CLIENT_ID.');
  const { protocol, host, hostname } = new URL(issuer);
  if (protocol !== 'https:' && ![host, hostname].some((name) => env.WAFER_PRIVATE_HOSTS.includes(name)))
    throw new StartError('WAFER_OIDC_ISSUER: must be https, or of a host that WAFER_PRIVATE_HOSTS names.');
  return { issuer, clientId, clientSecret: env.WAFER_OIDC_CLIENT_SECRET, name: env.WAFER_OIDC_NAME };
}

const LOOPBACK_PROXIES = ['127.0.0.1', '::1'];

/** The dashboard listens on loopback, so that is where its proxy stands; others may stand before that one. */
function proxiesOf({ WAFER_PUBLIC_URL: url, WAFER_TRUSTED_PROXIES: named }: z.infer<typeof Environment>) {
  if (url !== undefined) return named ?? LOOPBACK_PROXIES;
  if (named === undefined) return [];
  throw new StartError(
    'WAFER_TRUSTED_PROXIES needs WAFER_PUBLIC_URL: without it there is no proxy in front.',
  );
}

/** Throws a StartError that names every variable which does not fit. An empty variable is an absent one. */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new StartError(`The configuration is not valid. ${faults.join('; ')}`);
  }
  const env = parsed.data;
  return {
    dataFolder: resolve(env.WAFER_DATA),
    databaseUrl: env.DATABASE_URL,
    host: env.WAFER_HOST,
    apiPort: env.WAFER_API_PORT,
    mqttPort: env.WAFER_MQTT_PORT,
    httpPort: env.WAFER_HTTP_PORT,
    publicUrl: env.WAFER_PUBLIC_URL,
    trustedProxies: proxiesOf(env),
    maxComponentBytes: env.WAFER_MAX_COMPONENT_BYTES,
    sso: ssoOf(env),
    privateHosts: env.WAFER_PRIVATE_HOSTS,
    onlineKeyDays: env.WAFER_ONLINE_KEY_DAYS,
    logLevel: env.WAFER_LOG_LEVEL,
  };
}
