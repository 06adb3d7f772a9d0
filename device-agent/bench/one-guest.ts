/**
 * One guest in a process of its own, as one would run it without warm isolates. Argument: the prepared
 * component's folder. It starts the guest, asks its health and makes a first call, says "serving" on its
 * channel, and answers each message there with one more call.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { Guest, type Instantiate } from '../src/apps/guest.ts';
import { nextGuest, type GuestCall, type ImageKey } from '../src/apps/port.ts';

const folder = process.argv[2]!;
interface Manifest {
  readonly script: string;
  readonly modules: readonly { readonly name: string; readonly instances: number }[];
}
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
const script = readFileSync(join(folder, manifest.script), 'utf8');
const modules = manifest.modules.map(({ name, instances }) => {
  const module = new WebAssembly.Module(Uint8Array.from(readFileSync(join(folder, name))));
  return { name, instances, module, memoryBytes: 0 };
});

const guest = new Guest(
  {
    type: 'create',
    guest: nextGuest(),
    image: 'only' as ImageKey,
    grants: { clock: true, random: true, messaging: { publish: ['out/#'], subscribe: ['do/#'] } },
    config: {},
    logBytesPerMinute: 0,
    first: undefined,
    stores: undefined,
  },
  () => undefined,
);
const call: GuestCall = { name: 'handle', topic: 'do/count', payload: new Uint8Array() };
const must = (status: string): void => {
  if (status !== 'created' && status !== 'returned') throw new Error(`the guest ended with ${status}`);
};
must(
  guest.instantiate({ instantiate: compileFunction(script)() as Instantiate, modules }, () => undefined)
    .status,
);
for (const first of [{ name: 'start' } as const, { name: 'check' } as const, call])
  must(guest.call(first).status);
process.on('message', () => process.send?.(guest.call(call).status));
process.send?.('serving');
