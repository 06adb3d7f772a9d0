/**
 * Enrolment (design.md 4.1): a claim token buys an identity. The key is made here and never leaves;
 * the server is believed only under the CA that the token names; what it answers is checked against
 * our key and that CA; and it is stored whole or not at all.
 */
import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { arch, hostname } from 'node:os';
import { join } from 'node:path';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import {
  API_ROOT,
  ClaimToken,
  EnrolRequest,
  EnrolResponse,
  isoNow,
  Problem,
  WaferError,
  type Clock,
} from '@wafer/protocol';
import { replaceFile } from '../state/durable.ts';
import { factoryRootPath } from '../trust/generations.ts';
import { checkRoot } from '../trust/root.ts';
import { readIdentity, storeIdentity, type Identity } from './identity.ts';
import { pinnedCa, postJson, type HttpAnswer } from './pinned.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

interface DeviceKey {
  readonly pem: string;
  readonly csr: string;
}

/** A new P-256 key (PKCS #8) and a request for it; its subject is ignored by the server. */
async function makeKey(): Promise<DeviceKey> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const pem = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  });
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=device',
    keys,
    signingAlgorithm: ALGORITHM,
  });
  return { pem: pem.toString(), csr: request.toString('pem') };
}

function parseAnswer({ status, text }: HttpAnswer, origin: string): EnrolResponse {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new WaferError('server.internal', `${origin} answered ${status} with something that is no JSON`);
  }
  const problem = Problem.safeParse(body);
  if (problem.success) throw new WaferError(problem.data.code, problem.data.detail);
  const answer = EnrolResponse.safeParse(body);
  if (status < 200 || status > 299 || !answer.success) {
    throw new WaferError('server.internal', `${origin} answered ${status} with what is no enrolment`);
  }
  return answer.data;
}

const caHash = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url');

/** The certificate must be for our key, by the pinned CA, and in the name that the server gave. */
function checkCertificate(answer: EnrolResponse, key: string, pin: string): void {
  const refuse = (what: string): never => {
    throw new WaferError('server.internal', `the server's answer is refused: ${what}`);
  };
  if (caHash(answer.ca) !== pin) refuse('its CA is not the one that the token names');
  const certificate = new X509Certificate(answer.certificate);
  if (!certificate.checkPrivateKey(createPrivateKey(key))) refuse('the certificate is for another key');
  if (!certificate.verify(new X509Certificate(answer.ca).publicKey)) refuse('its CA did not sign it');
  if (!certificate.subject.split('\n').includes(`CN=${answer.device}`)) refuse('it bears another name');
}

export interface EnrolOptions extends ClaimOptions {
  readonly folder: string;
}

interface ClaimOptions {
  readonly token: string;
  /** `https://HOST:PORT`. */
  readonly server: string;
  readonly clock: Clock;
  /** PEM of the CA that the token names, where it was found before; else the server is asked to show it. */
  readonly ca?: string | undefined;
}

/** What the board says of itself. */
type Description = Pick<EnrolRequest, 'hostname' | 'arch'>;

export interface Claimed {
  readonly identity: Identity;
  /** The trusted TUF root, as signed JSON text. */
  readonly root: string;
}

function serverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') {
    throw new WaferError('request.invalid', `--server must look like https://HOST:PORT, not ${text}`);
  }
  return new URL(`${API_ROOT}/enrolments`, url);
}

/**
 * Buys an identity and checks it; nothing is stored. Rejects with a WaferError whose code is the server's
 * where the server refused.
 */
export async function claimIdentity(
  { token, server, clock, ca: known }: ClaimOptions,
  description: Description,
): Promise<Claimed> {
  const parsed = ClaimToken.safeParse(token);
  if (!parsed.success) throw new WaferError('claim.unknown', 'a claim token looks like wafer1.….…');
  const pin = parsed.data.split('.')[1] ?? '';
  const url = serverUrl(server);

  const ca = known !== undefined && caHash(known) === pin ? known : await pinnedCa(url, pin);
  const key = await makeKey();
  const request = EnrolRequest.parse({ token, csr: key.csr, ...description });
  const sent = await postJson(url, request, { ca, clock }).catch((error: Error) => {
    throw new WaferError('server.unavailable', `${url.origin} did not take the enrolment: ${error.message}`);
  });
  const answer = parseAnswer(sent, url.origin);
  checkCertificate(answer, key.pem, pin);
  checkRoot(answer.root);

  const identity: Identity = {
    device: answer.device,
    server: url.origin,
    broker: answer.broker,
    enrolled: isoNow(clock),
    key: key.pem,
    certificate: answer.certificate,
    ca: answer.ca,
  };
  return { identity, root: answer.root };
}

/** As `claimIdentity`, for this board, and stored. */
export async function enrol({ folder, ...claim }: EnrolOptions): Promise<Identity> {
  const known = await readIdentity(folder);
  if (known !== undefined) {
    throw new WaferError(
      'request.precondition-failed',
      `this folder is enrolled already, as ${known.device}`,
    );
  }
  const { identity, root } = await claimIdentity(claim, { hostname: hostname(), arch: arch() });
  // The identity comes last: it is what says that the board is enrolled.
  await replaceFile(factoryRootPath(folder), root, 0o644);
  await storeIdentity(folder, identity).catch(async (error: unknown) => {
    await rm(join(folder, 'trust'), { recursive: true, force: true });
    throw error;
  });
  return identity;
}
