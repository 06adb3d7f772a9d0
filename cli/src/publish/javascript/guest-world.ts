/**
 * The WIT world of one JavaScript guest: it imports exactly what its sources import, so that it needs
 * no grant that it does not use, and exports what they export.
 */
import { WaferError } from '@wafer/protocol';

export const GUEST_WORLD = 'guest';

/** Names that a guest may export, and the interface that each implements. */
const INTERFACES: Readonly<Record<string, string>> = {
  lifecycle: 'wafer:app/lifecycle@0.1.0',
  health: 'wafer:app/health@0.1.0',
  timer: 'wafer:app/timer@0.1.0',
  state: 'wafer:app/state@0.1.0',
  incomingHandler: 'wasi:messaging/incoming-handler@0.2.0-draft',
  run: 'wasi:cli/run@0.2.12',
};

/** Throws component.unsupported when an export is none of these, or none makes it an app. */
export function guestWorld(imports: readonly string[], exports: readonly string[], file: string): string {
  const known = Object.keys(INTERFACES).join(', ');
  const foreign = exports.find((name) => !Object.hasOwn(INTERFACES, name));
  if (foreign !== undefined)
    throw new WaferError(
      'component.unsupported',
      `${file} exports "${foreign}"; a guest may export ${known}`,
    );
  if (!exports.includes('lifecycle') && !exports.includes('run'))
    throw new WaferError(
      'component.unsupported',
      `${file} exports neither "lifecycle" (an app that stays) nor "run" (a command)`,
    );
  return [
    'package wafer:guest;',
    `world ${GUEST_WORLD} {`,
    ...imports.map((name) => `  import ${name};`),
    ...exports.map((name) => `  export ${INTERFACES[name]};`),
    '}',
    '',
  ].join('\n');
}
