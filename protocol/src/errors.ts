/**
 * Every error that the server, the CLI and the agent's enrolment can answer with: code → HTTP
 * status and title. Over HTTP they are problem+json (RFC 9457) with `code`; `detail` says what was
 * wrong, where, and what to do. Codes are stable: scripts match on them.
 */
import { z } from 'zod';

export const ERRORS = {
  // requests
  'request.malformed': { status: 400, title: 'The request is not well-formed' },
  'request.invalid': { status: 422, title: 'The request does not fit its schema' },
  'request.too-large': { status: 413, title: 'The request is too large' },
  'request.precondition-failed': { status: 412, title: 'It changed since it was read' },
  'request.not-found': { status: 404, title: 'There is no such thing' },
  'request.rate-limited': { status: 429, title: 'Too many requests' },
  'request.key-reused': { status: 422, title: 'This Idempotency-Key came with another request' },
  'request.in-progress': { status: 409, title: 'The first request with this key was not answered' },
  // people
  'auth.required': { status: 401, title: 'Sign in first' },
  'auth.forbidden': { status: 403, title: 'Your role does not allow this' },
  'auth.link-invalid': { status: 401, title: 'This sign-in link does not work any more' },
  'auth.password-wrong': { status: 401, title: 'Address or password is wrong' },
  'auth.locked-out': { status: 429, title: 'Too many attempts to sign in' },
  'auth.sso-refused': { status: 401, title: 'Single sign-on did not let you in' },
  'auth.sso-unavailable': { status: 502, title: 'Single sign-on does not answer as it must' },
  'person.exists': { status: 409, title: 'This person exists' },
  'person.last-admin': { status: 409, title: 'This is the last admin' },
  'audit.broken': { status: 409, title: 'The audit chain is broken' },
  // enrolment
  'claim.unknown': { status: 401, title: 'This claim token is not known' },
  'claim.expired': { status: 401, title: 'This claim token has expired' },
  'claim.used-up': { status: 401, title: 'This claim token was used as often as it may be' },
  'claim.revoked': { status: 401, title: 'This claim token was revoked' },
  'claim.not-found': { status: 404, title: 'There is no such claim token' },
  'claim.wrong-server': { status: 401, title: 'This claim token belongs to another server' },
  'enrolment.csr-invalid': { status: 422, title: 'The certificate request is not valid' },
  'certificate.refused': { status: 401, title: 'This certificate is not that of a device here' },
  'device.not-found': { status: 404, title: 'There is no such device' },
  // releases
  'component.not-wasm': { status: 422, title: 'This file is no WebAssembly' },
  'component.unsupported': { status: 422, title: 'This WebAssembly is of no kind that runs here' },
  'component.import-refused': { status: 422, title: 'The component imports what nothing grants' },
  'component.too-large': { status: 413, title: 'The component is over the size limit' },
  'component.digest-mismatch': { status: 422, title: 'The bytes are not those that were announced' },
  'component.missing': { status: 409, title: 'The component was not uploaded' },
  'release.exists': { status: 409, title: 'This version exists with another digest' },
  'release.not-found': { status: 404, title: 'There is no such release' },
  'release.metadata-invalid': { status: 422, title: 'The signed metadata does not say what it must' },
  'channel.not-found': { status: 404, title: 'There is no such channel' },
  // rollouts
  'rollout.not-found': { status: 404, title: 'There is no such rollout' },
  'rollout.transition': { status: 409, title: 'The rollout is not in a state for this' },
  'rollout.conflict': { status: 409, title: 'Another rollout is moving this app on this channel' },
  'rollout.empty': { status: 422, title: 'No device would be in this rollout' },
  'rollout.changed': { status: 409, title: 'The devices are not those of the preview any more' },
  'rollout.nothing-before': { status: 409, title: 'There is nothing to go back to' },
  'rollout.same-person': { status: 403, title: 'Another person has to approve this' },
  // pins and rests of devices
  'pin.not-found': { status: 404, title: 'The app is not pinned on this device' },
  'device.not-resting': { status: 409, title: 'The device does not rest' },
  // groups
  'group.not-found': { status: 404, title: 'There is no such group' },
  'group.exists': { status: 409, title: 'This name is taken by another group' },
  'group.kind': { status: 409, title: 'The group is of the other kind' },
  'group.in-use': { status: 409, title: 'An open rollout names this group' },
  'group.query-invalid': { status: 422, title: 'The query cannot be read' },
  // secrets
  'secret.not-found': { status: 404, title: 'There is no such secret' },
  'secret.too-large': { status: 413, title: 'The value of the secret is too large' },
  'secret.too-many': { status: 409, title: 'The app has as many secrets as it may have' },
  // trust
  'trust.not-initialised': { status: 409, title: 'This server has no trusted root yet' },
  'trust.signature-invalid': { status: 422, title: 'The metadata is not signed as it must be' },
  'trust.version-conflict': { status: 409, title: 'The metadata was published by someone else meanwhile' },
  // the command line, which never sends these over HTTP
  'cli.usage': { status: 400, title: 'The command was not understood' },
  'cli.keys-missing': { status: 400, title: 'The signing keys are not here' },
  'cli.passphrase-wrong': { status: 400, title: 'The passphrase does not open the key' },
  'cli.start-failed': { status: 500, title: 'The fleet could not be started' },
  'rollout.stopped': { status: 409, title: 'The rollout stopped before it had completed' },
  'manifest.invalid': { status: 422, title: 'The manifest does not fit its schema' },
  'server.unreachable': { status: 503, title: 'The server cannot be reached' },
  // the server itself
  'server.unavailable': { status: 503, title: 'The database cannot be reached' },
  'server.internal': { status: 500, title: 'The server made a mistake' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;
export const ErrorCode = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);

/** The one error class of server and CLI; `detail` is for people. */
export class WaferError extends Error {
  override readonly name = 'WaferError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.code = code;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** RFC 9457. `type` is `urn:wafer:error:<code>`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: ErrorCode,
  /** For request.invalid: each place that does not fit. */
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;
