/**
 * Sets keys of the store in the folder argv[2] and prints each once it was acknowledged. Ends itself with
 * SIGKILL at the argv[3]th thing that it does to the disk: before it, or in the middle of a write.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { disk, type Disk } from '../../src/capabilities/keyvalue/disk.ts';
import { Store } from '../../src/capabilities/keyvalue/store.ts';

const [, , folder = '', fatalText = '', isMidway = ''] = process.argv;
let left = Number(fatalText);

const die = (): void => void process.kill(process.pid, 'SIGKILL');

const counted =
  <Args extends unknown[], T>(act: (...args: Args) => T) =>
  (...args: Args): T => {
    left -= 1;
    if (left === 0) die();
    return act(...args);
  };

const mortal: Disk = {
  ...disk,
  makeFolder: counted(disk.makeFolder),
  open: counted(disk.open),
  truncate: counted(disk.truncate),
  sync: counted(disk.sync),
  rename: counted(disk.rename),
  remove: counted(disk.remove),
  write: (file, bytes) => {
    left -= 1;
    if (left === 0 && isMidway === 'midway') disk.write(file, bytes.subarray(0, bytes.length / 2));
    if (left === 0) die();
    disk.write(file, bytes);
  },
};

const store = new Store(join(folder, 'app/default.kv'), mortal);
// Long values over few keys: the file is written anew now and then.
for (let step = 1; step <= 12; step += 1) {
  const key = `key-${step % 3}`;
  if (step % 4 === 0) store.delete(key);
  else store.set(key, new Uint8Array(6000).fill(step), 65_536);
  writeSync(1, `${step} ${key}\n`);
}
writeSync(1, 'end\n');
