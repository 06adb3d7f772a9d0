/**
 * wafer:app/secrets — values that operators set and that only this device could open. A guest reads those
 * that its grants name; asking for another is `denied` and on record. Every value is in the isolate's
 * memory only.
 */
import { grantName } from '@wafer/protocol/grant-names';
import { Refusal, WitError, type Host } from './host.ts';

type SecretError = { tag: 'denied' | 'missing' };

const MAX_NAME_CHARACTERS = 100;

export function createSecrets(host: Host): Record<string, object> {
  const granted = new Set<string>(host.grants.secrets);
  return {
    'wafer:app/secrets': {
      get: (name: string): Uint8Array => {
        if (!granted.has(name)) {
          const subject = grantName.secret(name.slice(0, MAX_NAME_CHARACTERS));
          host.report(
            new Refusal(
              'capability-denied',
              `The guest asked for ${subject}, which no grant names.`,
              subject,
            ),
          );
          throw new WitError<SecretError>({ tag: 'denied' });
        }
        host.used(grantName.secret(name));
        const value = Object.hasOwn(host.secrets, name) ? host.secrets[name] : undefined;
        if (value === undefined) throw new WitError<SecretError>({ tag: 'missing' });
        return value.slice();
      },
    },
  };
}
