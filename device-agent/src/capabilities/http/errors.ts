/** wasi:http's `error-code`, and what Node's errors are in it. */

interface FieldSize {
  readonly fieldName: string | undefined;
  readonly fieldSize: number | undefined;
}

/** The cases that this host answers with. */
export type ErrorCode =
  | {
      readonly tag:
        | 'DNS-timeout'
        | 'destination-unavailable'
        | 'destination-IP-prohibited'
        | 'destination-IP-unroutable'
        | 'connection-refused'
        | 'connection-terminated'
        | 'connection-timeout'
        | 'connection-read-timeout'
        | 'connection-write-timeout'
        | 'connection-limit-reached'
        | 'TLS-protocol-error'
        | 'TLS-certificate-error'
        | 'HTTP-request-denied'
        | 'HTTP-request-method-invalid'
        | 'HTTP-request-URI-invalid'
        | 'HTTP-response-incomplete'
        | 'HTTP-response-timeout'
        | 'HTTP-upgrade-failed'
        | 'HTTP-protocol-error';
    }
  | {
      readonly tag: 'DNS-error';
      readonly val: { readonly rcode: string | undefined; readonly infoCode: number | undefined };
    }
  | {
      readonly tag: 'TLS-alert-received';
      readonly val: { readonly alertId: number | undefined; readonly alertMessage: string | undefined };
    }
  | { readonly tag: 'HTTP-request-body-size'; readonly val: bigint | undefined }
  | { readonly tag: 'HTTP-request-trailer-size'; readonly val: FieldSize }
  | { readonly tag: 'HTTP-response-header-section-size'; readonly val: number | undefined }
  | { readonly tag: 'internal-error'; readonly val: string | undefined };

const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: { tag: 'connection-refused' },
  ECONNRESET: { tag: 'connection-terminated' },
  EPIPE: { tag: 'connection-terminated' },
  ETIMEDOUT: { tag: 'connection-timeout' },
  EHOSTUNREACH: { tag: 'destination-IP-unroutable' },
  ENETUNREACH: { tag: 'destination-IP-unroutable' },
  EADDRNOTAVAIL: { tag: 'destination-unavailable' },
  HPE_HEADER_OVERFLOW: { tag: 'HTTP-response-header-section-size', val: undefined },
  EPROTO: { tag: 'TLS-protocol-error' },
};

/** What OpenSSL's verification says, as Node spells it, and Node's own check of the name. */
const CERTIFICATE = /CERT|^UNABLE_TO|SELF_SIGNED|^HOSTNAME_MISMATCH|^INVALID_(CA|PURPOSE)|^PATH_LENGTH/;
const ALERT = /^ERR_SSL_.*ALERT/;
const TLS = /^ERR_(SSL|TLS)_/;
const PARSER = /^(HPE|ERR_HTTP)_/;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown';

/** Messages are left out: they may tell of the board. */
export function errorCode(error: unknown): ErrorCode {
  const code = codeOf(error);
  if (Object.hasOwn(BY_CODE, code)) return BY_CODE[code]!;
  if (CERTIFICATE.test(code)) return { tag: 'TLS-certificate-error' };
  if (ALERT.test(code)) {
    return { tag: 'TLS-alert-received', val: { alertId: undefined, alertMessage: code } };
  }
  if (TLS.test(code)) return { tag: 'TLS-protocol-error' };
  if (PARSER.test(code)) return { tag: 'HTTP-protocol-error' };
  return { tag: 'internal-error', val: code };
}

export const dnsError = (error: unknown): ErrorCode => ({
  tag: 'DNS-error',
  val: { rcode: codeOf(error), infoCode: undefined },
});
