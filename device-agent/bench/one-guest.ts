/**
 * One guest in a process of its own, as one would run it without warm isolates. Argument: the prepared
 * component's folder. It starts the guest, asks its health and makes a first call, says "serving" on its
 * channel, and answers each message there with one more call.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileImage } from '../src/apps/code.ts';
import { Guest } from '../src/apps/guest.ts';
import { Outgoing } from '../src/apps/outgoing.ts';
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

const image = { key: 'only' as ImageKey, script, modules };
const limits = { messagesPerMinute: 10_000_000, outgoingBytesPerMinute: 2 ** 40 };
const guest = new Guest(
  {
    type: 'create',
    guest: nextGuest(),
    image: image.key,
    grants: { clock: true, random: true, messaging: { publish: ['out/#'], subscribe: ['do/#'] } },
    config: {},
    secrets: {},
    logBytesPerMinute: 0,
    allowance: new Outgoing().allowance(limits, 0),
    first: undefined,
    lines: { stores: undefined, http: undefined, board: undefined },
  },
  () => undefined,
);
const call: GuestCall = { name: 'handle', topic: 'do/count', payload: new Uint8Array() };
const must = (status: string): void => {
  if (status !== 'created' && status !== 'returned') throw new Error(`the guest ended with ${status}`);
};
must(guest.instantiate(compileImage(image), () => undefined).status);
for (const first of [{ name: 'start' } as const, { name: 'check' } as const, call])
  must(guest.call(first).status);
process.on('message', () => process.send?.(guest.call(call).status));
process.send?.('serving');
