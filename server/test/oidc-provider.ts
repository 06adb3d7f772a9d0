/**
 * An OpenID provider on loopback: discovery, keys, and a token endpoint that holds to PKCE. Tests say who
 * signs in, and may spoil its documents and tokens.
 */
import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Claims {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly [name: string]: unknown;
}

export interface Provider {
  readonly issuer: string;
  /** `host:port`. */
  readonly host: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** Signs `claims` in at the provider; gives the address that it leads the browser back to. */
  approve(authorization: string, claims: Claims): string;
  /** Laid over the discovery document. */
  metadata: Record<string, unknown>;
  /** Laid over the claims of the next tokens. */
  spoilt: Record<string, unknown>;
  /** Signs tokens; another than the published one makes forgeries. */
  key: KeyObject;
  close(): Promise<void>;
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

function token(key: KeyObject, claims: object): string {
  const content = `${part({ alg: 'ES256', kid: 'one', typ: 'JWT' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
  return `${content}.${signature.toString('base64url')}`;
}

export async function startProvider(client: { id: string; secret: string }): Promise<Provider> {
  const { privateKey, publicKey } = newKey();
  const grants = new Map<string, { challenge: string; nonce: string; redirect: string; claims: Claims }>();
  const asked: string[] = [];
  /** Both halves are form-encoded first (RFC 6749, 2.3.1). */
  const isClient = (authorization = ''): boolean => {
    const [id, secret] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
      .toString()
      .split(':');
    const decode = (half = ''): string => decodeURIComponent(half.replaceAll('+', ' '));
    return decode(id) === client.id && decode(secret) === client.secret;
  };
  const grant = (body: URLSearchParams, authorization: string | undefined): object | undefined => {
    const code = body.get('code') ?? '';
    const found = grants.get(code);
    grants.delete(code); // a code is used once
    const verifier = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    if (found?.challenge !== verifier || found.redirect !== body.get('redirect_uri')) return undefined;
    if (!isClient(authorization)) return undefined;
    const now = Math.floor(Date.now() / 1000);
    const standard = { iss: self.issuer, aud: client.id, iat: now, exp: now + 60, nonce: found.nonce };
    const id_token = token(self.key, { ...standard, ...found.claims, ...self.spoilt });
    return { access_token: 'a', token_type: 'bearer', expires_in: 60, id_token };
  };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    asked.push(pathname);
    const send = (status: number, body: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (pathname === '/.well-known/openid-configuration')
      send(200, {
        issuer: self.issuer,
        authorization_endpoint: `${self.issuer}/authorize`,
        token_endpoint: `${self.issuer}/token`,
        jwks_uri: `${self.issuer}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        ...self.metadata,
      });
    else if (pathname === '/keys')
      send(200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] });
    else if (pathname === '/token')
      void text(request).then((body) => {
        const tokens = grant(new URLSearchParams(body), request.headers.authorization);
        send(tokens === undefined ? 400 : 200, tokens ?? { error: 'invalid_grant' });
      });
    else send(404, {});
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const self: Provider = {
    issuer: `http://${host}`,
    host,
    asked,
    metadata: {},
    spoilt: {},
    key: privateKey,
    approve(authorization, claims) {
      const { searchParams } = new URL(authorization);
      const get = (name: string): string => searchParams.get(name) ?? '';
      const code = randomUUID();
      const redirect = get('redirect_uri');
      grants.set(code, { challenge: get('code_challenge'), nonce: get('nonce'), redirect, claims });
      return `${redirect}?${new URLSearchParams({ code, state: get('state') }).toString()}`;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return self;
}

export const strangersKey = (): KeyObject => newKey().privateKey;
