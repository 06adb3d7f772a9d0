/**
 * The three certificates of a fleet (RFC 5280), all ECDSA on P-256: the CA's, the server's, a
 * device's. A serial is 16 random octets with the two top bits 01, so that it is positive, never
 * shortened, and reads the same in every tool.
 */
// x509 is built with a container for dependencies that asks for this polyfill, and it must come first.
import 'reflect-metadata';
import { createHash, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { Days, Minutes, WaferError, type Clock, type DeviceId } from '@wafer/protocol';
import { sealingKey } from '@wafer/protocol/sealing';
import type { IssuedCertificate } from './authority.ts';

x509.cryptoProvider.set(webcrypto);

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const CA_LIFE = Days(3652);
const SERVER_LIFE = Days(365);
const DEVICE_LIFE = Days(45);
/** The server's certificate is renewed at a start that finds less than this left. */
const SERVER_RENEWAL = Days(60);
/** Boards' clocks may run behind. */
const BACKDATED = Minutes(10);

type Key = webcrypto.CryptoKey;

/** PKCS #8, PEM. */
export async function newKeyPem(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY');
}

interface KeyPair {
  readonly privateKey: Key;
  readonly publicKey: Key;
}

async function readKeys(pem: string): Promise<KeyPair> {
  const pkcs8 = x509.PemConverter.decodeFirst(pem);
  const privateKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, P256, true, ['sign']);
  const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', privateKey);
  const publicKey = await webcrypto.subtle.importKey(
    'jwk',
    { kty, crv, x, y } as webcrypto.JsonWebKey,
    P256,
    true,
    ['verify'],
  );
  return { privateKey, publicKey };
}

function newSerial(): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.toString('hex');
}

/** Self-signed, ten years, may sign end entities only. PEM. */
export async function makeCa(keyPem: string, clock: Clock): Promise<string> {
  const { privateKey, publicKey } = await readKeys(keyPem);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    // With a name of its own for each fleet, chains of two fleets are never confused.
    name: `CN=Wafer CA ${randomBytes(4).toString('hex')}`,
    notBefore: new Date(clock.now() - Days(1)),
    notAfter: new Date(clock.now() + CA_LIFE),
    signingAlgorithm: P256,
    keys: { privateKey, publicKey },
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return certificate.toString('pem');
}

export interface Signer {
  readonly certificate: x509.X509Certificate;
  readonly key: Key;
}

/** Throws when the key is not the certificate's. */
export async function readSigner(certificatePem: string, keyPem: string): Promise<Signer> {
  const certificate = new x509.X509Certificate(certificatePem);
  const { privateKey, publicKey } = await readKeys(keyPem);
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', publicKey));
  if (!spki.equals(Buffer.from(certificate.publicKey.rawData)))
    throw new Error('the key of the CA does not belong to its certificate');
  return { certificate, key: privateKey };
}

/** SHA-256 of the DER, base64url: what a claim token pins. */
export const digestOf = (certificate: x509.X509Certificate): string =>
  createHash('sha256').update(Buffer.from(certificate.rawData)).digest('base64url');

const alternativeNames = (hosts: readonly string[]): x509.JsonGeneralNames =>
  hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }));

async function endEntity(
  ca: Signer,
  clock: Clock,
  of: { name: string; publicKey: x509.PublicKeyType; life: number; extensions: x509.Extension[] },
): Promise<x509.X509Certificate> {
  return x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=${of.name}`,
    issuer: ca.certificate.subject,
    notBefore: new Date(clock.now() - BACKDATED),
    notAfter: new Date(clock.now() + of.life),
    signingAlgorithm: P256,
    publicKey: of.publicKey,
    signingKey: ca.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate),
      ...of.extensions,
    ],
  });
}

/** PEM of the server's certificate; `hosts` are names and addresses that clients may call it by. */
export async function makeServerCertificate(
  ca: Signer,
  keyPem: string,
  hosts: readonly string[],
  clock: Clock,
): Promise<string> {
  const certificate = await endEntity(ca, clock, {
    name: 'Wafer server',
    publicKey: (await readKeys(keyPem)).publicKey,
    life: SERVER_LIFE,
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(alternativeNames(hosts)),
    ],
  });
  return certificate.toString('pem');
}

/** Whether the stored certificate still serves: this key, this CA, these names, enough life left. */
export async function stillServes(
  pem: string,
  ca: Signer,
  keyPem: string,
  hosts: readonly string[],
  clock: Clock,
): Promise<boolean> {
  const certificate = new x509.X509Certificate(pem);
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  const wanted = new Set(new x509.GeneralNames(alternativeNames(hosts)).toJSON().map(({ value }) => value));
  const { publicKey } = await readKeys(keyPem);
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', publicKey));
  return (
    certificate.notAfter.getTime() > clock.now() + SERVER_RENEWAL &&
    names.length === wanted.size &&
    names.every(({ value }) => wanted.has(value)) &&
    spki.equals(Buffer.from(certificate.publicKey.rawData)) &&
    (await certificate.verify({ publicKey: ca.certificate, signatureOnly: true }))
  );
}

/** The key in a device's request; throws enrolment.csr-invalid. Everything else in it is ignored. */
async function requestedKey(csrPem: string): Promise<x509.PublicKey> {
  try {
    const request = new x509.Pkcs10CertificateRequest(csrPem);
    const { name, namedCurve } = request.publicKey.algorithm as webcrypto.EcKeyAlgorithm;
    if (name === 'ECDSA' && namedCurve === 'P-256' && (await request.verify())) return request.publicKey;
  } catch {
    // attacker-controlled bytes: whatever the parser throws means the same
  }
  throw new WaferError(
    'enrolment.csr-invalid',
    'Send a PKCS #10 request in PEM for an ECDSA key on P-256, signed with that key.',
  );
}

export async function makeDeviceCertificate(
  ca: Signer,
  csrPem: string,
  device: DeviceId,
  clock: Clock,
): Promise<IssuedCertificate> {
  const certificate = await endEntity(ca, clock, {
    name: device,
    publicKey: await requestedKey(csrPem),
    life: DEVICE_LIFE,
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
  });
  return {
    certificate: certificate.toString('pem'),
    serial: certificate.serialNumber.toLowerCase(),
    issued: new Date(clock.now()),
    expires: certificate.notAfter,
    sealingKey: sealingKey(new X509Certificate(certificate.toString('pem')).publicKey),
  };
}
