/**
 * Opens the secrets of an app when an instance of it is created, with the key of the device's certificate.
 * What is opened goes to the isolate with the task that creates the instance, and is kept nowhere else:
 * on disk and in the spec there is only what was sealed.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { FaultError, type DeviceId } from '@wafer/protocol';
import { openSecret } from '@wafer/protocol/sealing';
import type { AppSpec } from './runtime.ts';

/** name → value, of those that are granted and set. Throws a fault that names the one that does not open. */
export type OpenSecrets = (
  spec: Pick<AppSpec, 'app' | 'grants' | 'secrets'>,
) => Readonly<Record<string, Uint8Array>>;

/** `keyPem` is the private key of `device`; it is read when the first secret is opened. */
export function secretOpener(device: DeviceId, keyPem: string): OpenSecrets {
  let key: KeyObject | undefined;
  return ({ app, grants, secrets }) => {
    const opened: Record<string, Uint8Array> = {};
    for (const name of grants.secrets ?? []) {
      const sealed = secrets[name];
      if (sealed === undefined) continue;
      key ??= createPrivateKey(keyPem);
      try {
        opened[name] = openSecret(sealed, key, { device, app, name });
      } catch (error) {
        throw new FaultError(
          'signature',
          `The secret ${name} of ${app} was not sealed to this device, or was altered. Set it again.`,
          `secrets ${name}`,
          { cause: error },
        );
      }
    }
    return opened;
  };
}

/** For a runtime that has no key: no app gets a secret, and one that should is not started. */
export const openNone: OpenSecrets = ({ app, secrets }) => {
  const [name] = Object.keys(secrets);
  if (name === undefined) return {};
  throw new FaultError('signature', `There is no key here to open the secrets of ${app}.`, `secrets ${name}`);
};
