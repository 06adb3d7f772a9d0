/**
 * What the exit code says. Scripts decide by it; `wafer --help` prints this table.
 */
import type { ErrorCode } from '@wafer/protocol';

export const EXIT_CODES = {
  ok: { code: 0, means: 'done' },
  unexpected: { code: 1, means: 'a mistake of this program or of the server' },
  usage: { code: 2, means: 'the command was not understood, or a file it names cannot be read' },
  forbidden: { code: 3, means: 'not signed in, or your role does not allow it' },
  refused: { code: 4, means: 'the component, manifest, signature or name was refused' },
  conflict: { code: 5, means: 'it contradicts what the server has already' },
  unreachable: { code: 6, means: 'the server cannot be reached or is not ready: try again' },
  stopped: { code: 7, means: 'the rollout that was waited for stopped before it had completed' },
} as const;

type Exit = keyof typeof EXIT_CODES;

/** A code that is missing here does not compile. */
const EXIT_OF = {
  'request.malformed': 'refused',
  'request.invalid': 'refused',
  'request.too-large': 'refused',
  'request.precondition-failed': 'conflict',
  'request.not-found': 'refused',
  'request.rate-limited': 'unreachable',
  'request.key-reused': 'conflict',
  'request.in-progress': 'conflict',
  'auth.required': 'forbidden',
  'auth.forbidden': 'forbidden',
  'auth.link-invalid': 'forbidden',
  'auth.password-wrong': 'forbidden',
  'auth.locked-out': 'refused',
  'auth.sso-refused': 'forbidden',
  'auth.sso-unavailable': 'unreachable',
  'person.exists': 'conflict',
  'person.last-admin': 'conflict',
  'audit.broken': 'conflict',
  'claim.unknown': 'forbidden',
  'claim.expired': 'forbidden',
  'claim.used-up': 'forbidden',
  'claim.revoked': 'forbidden',
  'claim.not-found': 'refused',
  'claim.wrong-server': 'forbidden',
  'enrolment.csr-invalid': 'refused',
  'certificate.refused': 'forbidden',
  'device.not-found': 'refused',
  'component.not-wasm': 'refused',
  'component.unsupported': 'refused',
  'component.import-refused': 'refused',
  'component.too-large': 'refused',
  'component.digest-mismatch': 'refused',
  'component.missing': 'conflict',
  'release.exists': 'conflict',
  'release.not-found': 'refused',
  'release.metadata-invalid': 'refused',
  'channel.not-found': 'refused',
  'rollout.not-found': 'refused',
  'rollout.transition': 'conflict',
  'rollout.conflict': 'conflict',
  'rollout.empty': 'refused',
  'rollout.changed': 'conflict',
  'rollout.nothing-before': 'conflict',
  'rollout.same-person': 'forbidden',
  'pin.not-found': 'refused',
  'device.not-resting': 'conflict',
  'group.not-found': 'refused',
  'group.exists': 'conflict',
  'group.kind': 'conflict',
  'group.in-use': 'conflict',
  'group.query-invalid': 'refused',
  'secret.not-found': 'refused',
  'secret.too-large': 'refused',
  'secret.too-many': 'conflict',
  'trust.not-initialised': 'conflict',
  'trust.signature-invalid': 'refused',
  'trust.version-conflict': 'conflict',
  'rollout.stopped': 'stopped',
  'cli.usage': 'usage',
  'cli.keys-missing': 'usage',
  'cli.passphrase-wrong': 'usage',
  'cli.start-failed': 'unexpected',
  'manifest.invalid': 'refused',
  'server.unreachable': 'unreachable',
  'server.unavailable': 'unreachable',
  'server.internal': 'unexpected',
} as const satisfies Record<ErrorCode, Exit>;

export const exitOf = (code: ErrorCode): number => EXIT_CODES[EXIT_OF[code]].code;

/** The table as lines for `--help`. */
export const describeExitCodes = (): string =>
  Object.values(EXIT_CODES)
    .map(({ code, means }) => `  ${code}  ${means}`)
    .join('\n');
