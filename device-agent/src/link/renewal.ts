/**
 * The board's certificate is renewed at two thirds of its life, over TLS with the one that it has,
 * for the key that it has. The old one works on until it expires, so whenever the power goes, one
 * that works is on disk; the session that is up stays, the next connect shows the new one.
 *
 * A board that was off for longer than its certificate lives renews with the expired one. Whether it
 * has expired a board without a clock cannot know; there the broker's refusal is the sign.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { API_ROOT, Problem, RenewResponse, WaferError, type Clock } from '@wafer/protocol';
import { reason, type Log } from '../log.ts';
import { certificateRequest } from './csr.ts';
import type { Identity } from './identity.ts';
import { postJson } from './pinned.ts';

const MINUTE_MS = 60_000;
/** A refused renewal is tried again at leisure: a third of the certificate's life is left. */
const RETRY_MS = 10 * MINUTE_MS;
/** A broker may refuse for other reasons, too. */
const AFTER_REFUSAL_MS = 60 * MINUTE_MS;

/** When two thirds of its life are over, ms since 1970. */
export function renewalDue(certificatePem: string): number {
  const { validFromDate, validToDate } = new X509Certificate(certificatePem);
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return from + ((to - from) * 2) / 3;
}

export interface RenewalOptions {
  /** Keeps the new certificate, PEM: resolves when it outlives the power. */
  readonly keep: (certificate: string) => Promise<void>;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Log;
  /** ms; never steps. */
  readonly monotonic: () => number;
}

export interface Renewal {
  /** PEM; what the next connect shows. */
  readonly certificate: string;
  /** Call now and then. */
  tick(): void;
  /** The broker ended a connection before it was one: perhaps our certificate has expired. */
  refused(): void;
}

export function createRenewal(options: RenewalOptions): Renewal {
  const { clock, log, monotonic } = options;
  let { certificate } = options.identity;
  let dueAt = renewalDue(certificate);
  let isAsking = false;
  let notBefore = -Infinity;
  let lastRefusal = -Infinity;
  let lastReason: string | undefined;

  async function attempt(): Promise<void> {
    certificate = await renew(options, certificate);
    dueAt = renewalDue(certificate);
    lastReason = undefined;
    log('info', 'certificate renewed', { validTo: new X509Certificate(certificate).validTo });
  }

  function start(): void {
    if (isAsking) return;
    isAsking = true;
    notBefore = monotonic() + RETRY_MS;
    attempt()
      .catch((error: unknown) => {
        const why = reason(error);
        if (why !== lastReason) log('warn', 'certificate not renewed', { reason: why });
        lastReason = why;
      })
      .finally(() => (isAsking = false));
  }

  return {
    get certificate() {
      return certificate;
    },
    tick() {
      if (clock.now() >= dueAt && monotonic() >= notBefore) start();
    },
    refused() {
      if (monotonic() < lastRefusal + AFTER_REFUSAL_MS) return;
      lastRefusal = monotonic();
      start();
    },
  };
}

/** The new certificate, PEM, once it is on disk. Rejects when the server does not give one that is ours. */
async function renew({ keep, identity, clock }: RenewalOptions, shown: string): Promise<string> {
  const { server, ca, key } = identity;
  const url = new URL(`${API_ROOT}/renewals`, server);
  const csr = certificateRequest(createPrivateKey(key));
  const { status, text } = await postJson(url, { csr }, { ca, clock, identity: { key, certificate: shown } });
  const body: unknown = JSON.parse(text);
  const problem = Problem.safeParse(body);
  if (problem.success) throw new WaferError(problem.data.code, problem.data.detail);
  if (status !== 201) throw new Error(`${url.origin} answered ${status}`);
  const { certificate } = RenewResponse.parse(body);
  checkRenewed(certificate, identity);
  await keep(certificate);
  return certificate;
}

/** For our key, by our CA, in our name. */
function checkRenewed(pem: string, { key, ca, device }: Identity): void {
  const certificate = new X509Certificate(pem);
  const isOurs =
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    certificate.verify(new X509Certificate(ca).publicKey) &&
    certificate.subject.split('\n').includes(`CN=${device}`);
  if (!isOurs) throw new Error('the server sent a certificate that is not for this board');
}
