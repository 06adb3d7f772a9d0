/** A CA, server certificates and device certificates, as the fleet server makes them. */
import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  type Extension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function keyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

export interface Life {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const dates = (): Life => ({
  notBefore: new Date(Date.now() - DAY_MS),
  notAfter: new Date(Date.now() + DAY_MS),
});
const serial = () => randomBytes(8).toString('hex');

export class Authority {
  readonly certificate: X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;

  private constructor(certificate: X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.certificate = certificate;
    this.#keys = keys;
  }

  static async create(name = 'Test CA'): Promise<Authority> {
    const keys = await newKeys();
    const certificate = await X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      ...dates(),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      ],
    });
    return new Authority(certificate, keys);
  }

  get pem(): string {
    return this.certificate.toString('pem');
  }

  /** The second part of a claim token. */
  get pin(): string {
    return createHash('sha256').update(Buffer.from(this.certificate.rawData)).digest('base64url');
  }

  /** Key and chain (leaf, then CA) of a server at an address, and of that name. */
  async server(
    host = '127.0.0.1',
    name = 'localhost',
    life: Life = dates(),
  ): Promise<{ key: string; cert: string }> {
    const keys = await newKeys();
    const leaf = await this.#sign(
      'CN=server',
      keys.publicKey,
      [
        new SubjectAlternativeNameExtension([
          { type: 'ip', value: host },
          { type: 'dns', value: name },
        ]),
      ],
      life,
    );
    return { key: await keyPem(keys), cert: `${leaf.toString('pem')}\n${this.pem}\n` };
  }

  /** A certificate in the server's choice of name for the key of a request. */
  async device(name: string, csr: string, life: Life = dates()): Promise<string> {
    const request = new Pkcs10CertificateRequest(csr);
    if (!(await request.verify())) throw new Error('the request is not signed by its own key');
    return (await this.#sign(`CN=${name}`, await request.publicKey.export(), [], life)).toString('pem');
  }

  /** Key and certificate of a device that was enrolled elsewhere. */
  async enrolled(name: string, life: Life = dates()): Promise<{ key: string; certificate: string }> {
    const keys = await newKeys();
    const clientOnly = new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]);
    const certificate = await this.#sign(`CN=${name}`, keys.publicKey, [clientOnly], life);
    return { key: await keyPem(keys), certificate: certificate.toString('pem') };
  }

  #sign(
    subject: string,
    publicKey: webcrypto.CryptoKey,
    extensions: Extension[],
    life: Life = dates(),
  ): Promise<X509Certificate> {
    return X509CertificateGenerator.create({
      serialNumber: serial(),
      subject,
      issuer: this.certificate.subject,
      ...life,
      signingAlgorithm: ALGORITHM,
      publicKey,
      signingKey: this.#keys.privateKey,
      extensions,
    });
  }
}
