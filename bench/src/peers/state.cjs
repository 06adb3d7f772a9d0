/**
 * What a program does that keeps its state safely: writes it beside the old, flushes it, and renames it.
 * Arguments: the file, its length, how often in ms. Ends with its standard input.
 */
const { closeSync, fsyncSync, openSync, renameSync, writeSync } = require('node:fs');

const [file, bytes, everyMs] = process.argv.slice(2);
let count = 0;
setInterval(() => {
  count += 1;
  const handle = openSync(`${file}.tmp`, 'w');
  writeSync(handle, JSON.stringify({ count }).padEnd(Number(bytes)));
  fsyncSync(handle);
  closeSync(handle);
  renameSync(`${file}.tmp`, file);
}, Number(everyMs));

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
