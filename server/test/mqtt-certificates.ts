/** A CA, a broker's certificate and devices' certificates, made for one test file. */
import 'reflect-metadata';
import {
  X509CertificateGenerator,
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';
import { randomBytes, webcrypto } from 'node:crypto';
import { DeviceId } from '@wafer/protocol';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
  readonly serial: string;
}

export interface TestAuthority {
  readonly ca: string;
  readonly broker: KeyAndCertificate;
  issue(commonName: string): Promise<KeyAndCertificate>;
}

const makeKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${bytes.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const notBefore = new Date(Date.now() - 60_000);
  const notAfter = new Date(Date.now() + 3_600_000);
  const caKeys = await makeKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=test authority',
    keys: caKeys,
    notBefore,
    notAfter,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  const issue = async (commonName: string): Promise<KeyAndCertificate> => {
    const keys = await makeKeys();
    const serial = `5a${randomBytes(8).toString('hex')}`;
    const certificate = await X509CertificateGenerator.create({
      subject: [{ CN: [commonName] }],
      issuer: ca.subject,
      serialNumber: serial,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      notBefore,
      notAfter,
      signingAlgorithm: ALGORITHM,
      extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
    });
    return { key: await privatePem(keys.privateKey), cert: certificate.toString('pem'), serial };
  };
  return { ca: ca.toString('pem'), broker: await issue('broker'), issue };
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** A device id that no other test of this run has. */
export const newDeviceId = (): DeviceId =>
  DeviceId.parse(`d-${Array.from(randomBytes(16), (byte) => ALPHABET[byte % 32]).join('')}`);
