/** A CA of a server's own, and a certificate of it for 127.0.0.1, as the fleet server makes them. */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createHash, webcrypto } from 'node:crypto';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const VALID = { notBefore: new Date('2026-01-01'), notAfter: new Date('2036-01-01') };

export async function privateCa() {
  x509.cryptoProvider.set(webcrypto as never);
  const makeKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const keys = await makeKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...VALID,
    serialNumber: '01',
    name: 'CN=test CA',
    keys: keys as never,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const serverKeys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    ...VALID,
    serialNumber: '02',
    subject: 'CN=server',
    issuer: ca.subject,
    publicKey: serverKeys.publicKey as never,
    signingKey: keys.privateKey as never,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', serverKeys.privateKey));
  const pem = `${ca.toString('pem')}\n`;
  return {
    pem,
    sha256: createHash('sha256').update(new Uint8Array(ca.rawData)).digest('hex'),
    server: {
      key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
      // The chain includes the CA, so that a fingerprint of it can be compared.
      cert: `${certificate.toString('pem')}\n${pem}`,
    },
  };
}
