/** Enrolment: a claim token and a certificate request become a device (design 4.1). */
import type { DeviceId, EnrolRequest, EnrolResponse } from '@wafer/protocol';
import { WaferError } from '@wafer/protocol';
import type { z } from 'zod';
import type { Deps } from '../deps.ts';
import { claimRefusal, newDeviceId, readClaimToken } from './claims.ts';
import { enrolDevice, findClaim } from './store.ts';

export interface EnrolmentParts {
  /** Where devices find the broker. */
  /** Where devices enrol, once it listens: `https://host:8443`. */
  readonly api: () => string;
  readonly broker: () => { host: string; port: number };
  /** The latest trusted root as signed text; throws trust.not-initialised. */
  readonly trustedRoot: () => Promise<string>;
  /** Told once the device exists. May be repeated: what it does is idempotent and done again at hello. */
  readonly onEnrolled: (device: DeviceId) => Promise<void>;
}

/** A stranger's key is looked at only after the token: without one, nothing here costs anything. */
export async function enrol(
  deps: Pick<Deps, 'authority' | 'clock' | 'db' | 'live' | 'log'>,
  parts: EnrolmentParts,
  request: z.infer<typeof EnrolRequest>,
  source: string,
): Promise<EnrolResponse> {
  const { authority, clock, db } = deps;
  const secretHash = readClaimToken(request.token, authority.caDigest);
  await refuseUnusable(deps, secretHash);
  const root = await parts.trustedRoot();
  const device = newDeviceId();
  const certificate = await authority.issue(request.csr, device);
  const name = request.hostname || device;
  const made = { device, name, arch: request.arch, certificate, source };
  if (!(await enrolDevice(db, secretHash, made, clock.now()))) {
    // Somebody took the last use meanwhile, or it has just expired.
    await refuseUnusable(deps, secretHash);
    throw new WaferError('claim.used-up', 'The last use was taken at this moment: make a new one.');
  }
  await parts.onEnrolled(device).catch((error: unknown) => {
    deps.log.error({ err: error, device }, 'enrolled, but what follows failed; it is done at its hello');
  });
  deps.live.publish({ type: 'device', device });
  return { device, certificate: certificate.certificate, ca: authority.caPem, broker: parts.broker(), root };
}

async function refuseUnusable({ db, clock }: Pick<Deps, 'db' | 'clock'>, secretHash: string): Promise<void> {
  const refusal = claimRefusal(await findClaim(db, secretHash), clock.now());
  if (refusal !== undefined) throw refusal;
}
