/**
 * Renewal of a device's certificate: POST /renewals over TLS with the certificate that it has.
 *
 * The proof is threefold: the TLS handshake (it holds the key), the CA's signature on the
 * certificate, checked here, and the database (the certificate was handed to this device, and neither
 * was revoked). TLS' own verdict is not asked: it would refuse an expired certificate, and a board
 * that was away for a year has no other. An expired certificate renews and does nothing else; whoever
 * stole its key is shut out by revocation, as with any other.
 *
 * The key stays: secrets are sealed to it, and a request for another key is refused. The old
 * certificate works on until it expires, so an answer that is lost, or a board that lost its power
 * before it stored the answer, costs nothing.
 */
import { X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { Days, DeviceId, RenewRequest, RenewResponse, WaferError } from '@wafer/protocol';
import { sealingKey } from '@wafer/protocol/sealing';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { auditRow } from '../audit/index.ts';
import { onlyRow } from '../db/failures.ts';
import { instant } from '../db/values.ts';
import type { Deps } from '../deps.ts';
import type { Authority, IssuedCertificate } from './authority.ts';

/** Certificates of one device in a day; more are a mistake or somebody who fills the table. */
const MOST_A_DAY = 10;

interface Shown {
  readonly device: DeviceId;
  readonly certificate: X509Certificate;
  /** Lower-case hexadecimal. */
  readonly serial: string;
}

/** The device's certificate behind a connection; throws certificate.refused. */
function shownBy(socket: unknown, { caPem }: Pick<Authority, 'caPem'>): Shown {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined)
    throw new WaferError('certificate.refused', 'Renew over HTTPS, with the certificate of the device.');
  const name = DeviceId.safeParse(/^CN=(.*)$/m.exec(certificate.subject)?.[1]);
  const ca = new X509Certificate(caPem);
  if (!name.success || !certificate.checkIssued(ca) || !certificate.verify(ca.publicKey))
    throw new WaferError('certificate.refused', 'It was not signed here: enrol with a claim token.');
  return { device: name.data, certificate, serial: certificate.serialNumber.toLowerCase() };
}

type Stored = 'stored' | 'too-many' | 'refused';

/** One statement: only while the shown certificate and its device stand. */
async function storeRenewed(
  db: PostgresJsDatabase,
  { device, serial }: Shown,
  renewed: IssuedCertificate,
  { at, source }: { at: number; source: string },
): Promise<Stored> {
  const actor = { audit: `device:${device}`, source };
  const [before, after] = [{ serial }, { serial: renewed.serial, expires: renewed.expires.toISOString() }];
  const event = { actor, at, action: 'certificate.renewed', subject: device, before, after };
  const rows = await db.execute<{ known: boolean; stored: boolean }>(sql`
    with known as (
      select d.id from devices d join certificates c on c.device = d.id
      where d.id = ${device} and d.revoked is null and c.serial = ${serial} and c.revoked is null
      for update of d
    ), made as (
      insert into certificates (serial, device, issued, expires, sealing_key)
      select ${renewed.serial}, id, ${instant(renewed.issued.getTime())}, ${instant(renewed.expires.getTime())},
             ${renewed.sealingKey}
      from known
      where (select count(*) from certificates c
             where c.device = known.id and c.issued > ${instant(at - Days(1))}) < ${MOST_A_DAY}
      returning serial
    ), audited as (${auditRow(event, sql`made`)})
    select exists (select 1 from known) as known, exists (select 1 from made) as stored`);
  const { known, stored } = onlyRow(rows);
  if (stored) return 'stored';
  return known ? 'too-many' : 'refused';
}

export function renewalRoutes(deps: Pick<Deps, 'authority' | 'clock' | 'db'>): FastifyPluginAsyncZod {
  const { authority, clock, db } = deps;
  const refused = (): WaferError =>
    new WaferError('certificate.refused', 'It, or its device, was revoked: enrol with a claim token.');
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/renewals',
      bodyLimit: 32 * 1024,
      schema: { tags: ['enrolment'], body: RenewRequest, response: { 201: RenewResponse } },
      async handler(request, reply) {
        const shown = shownBy(request.raw.socket, authority);
        // Before anything is signed: what is signed but not stored would count as revoked, and cost time.
        if (await authority.isRevoked(shown.serial, shown.device)) throw refused();
        const renewed = await authority.issue(request.body.csr, shown.device);
        if (renewed.sealingKey !== sealingKey(shown.certificate.publicKey))
          throw new WaferError(
            'enrolment.csr-invalid',
            'A renewal certifies the key that the device has: for a new key, enrol anew.',
          );
        switch (await storeRenewed(db, shown, renewed, { at: clock.now(), source: request.ip })) {
          case 'stored':
            return reply.code(201).send({ certificate: renewed.certificate });
          case 'too-many':
            throw new WaferError('request.rate-limited', `At most ${MOST_A_DAY} certificates a day.`);
          case 'refused':
            throw refused();
        }
      },
    });
  };
}
