/**
 * The CA of a fleet: what it can do for the other rooms. `pki.ts` makes the keys, `certificates.ts`
 * the certificates.
 */
import type { DeviceId } from '@wafer/protocol';

export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: string;
  /** Hexadecimal, lower case. */
  readonly serial: string;
  readonly issued: Date;
  readonly expires: Date;
  /** The public key that it certifies, as secrets are sealed to it. */
  readonly sealingKey: string;
}

export interface Authority {
  readonly caPem: string;
  /** SHA-256 of the CA's DER certificate, base64url; stands in claim tokens. */
  readonly caDigest: string;
  /** For every TLS listener. PEM; `cert` is the server's certificate followed by the CA's. */
  serverTls(): { readonly key: string; readonly cert: string; readonly ca: string };
  /**
   * A certificate for a device: CN = its id, client authentication only, 45 days. Checks that the
   * request is signed by its own P-256 key and ignores everything else in it; throws
   * enrolment.csr-invalid. Stores nothing.
   */
  issue(csrPem: string, device: DeviceId): Promise<IssuedCertificate>;
  /**
   * Whether a certificate may not be used (any more): it, or its device, was revoked, or it is none
   * that was handed to this device. `serial` in either case. Rejects when the database is away, and
   * then the device must be refused, too.
   */
  isRevoked(serial: string, device: DeviceId): Promise<boolean>;
}
