import { gunzipSync, gzipSync } from 'node:zlib';
import { readAgentBundle } from '@wafer/protocol/agent-bundle';
import { expect, test } from 'vitest';
import { altered, bundleOf, file } from './bundles.ts';

const LIB = [file('a/lib/cli.cjs'), file('a/lib/agent.cjs')];
/** Of a header: where its type stands, and its checksum (POSIX.1-1988). */
const [TYPE, SUM] = [156, 148];

const sealHeader = (archive: Buffer, at: number): void => {
  archive.write(' '.repeat(8), at + SUM);
  const sum = archive.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + SUM);
};

const refuses = (bundle: Uint8Array, why: RegExp) => expect(() => readAgentBundle(bundle)).toThrow(why);

test('a bundle says which agent it is, and has its files with their modes', () => {
  const { manifest, files } = readAgentBundle(
    bundleOf({ files: [...LIB, { ...file('a/bin/x'), mode: 0o755 }] }),
  );
  expect(manifest).toMatchObject({ version: '2.0.0', node: '24.15.0' });
  expect(files.map(({ path, isExecutable }) => [path, isExecutable])).toEqual([
    ['wafer-agent.json', false],
    ['lib/cli.cjs', false],
    ['lib/agent.cjs', false],
    ['bin/x', true],
  ]);
});

test('path traversal: a name that leads out of the folder is refused', () => {
  for (const path of ['a/../../etc/cron.d/x', '/etc/passwd', 'a/./x', 'a/.ssh', 'a//x', 'b/x', 'a/x\ny']) {
    refuses(bundleOf({ files: [...LIB, file(path)] }), /no bundle of an agent/);
  }
});

test('links and devices: what is neither a file nor a folder is refused', () => {
  for (const type of ['1', '2', '3', '4', '6', 'L', 'x']) {
    const bundle = altered(bundleOf(), (archive) => {
      archive.write(type, 512 + TYPE);
      sealHeader(archive, 512);
    });
    refuses(bundle, /neither a file nor a folder/);
  }
});

test('a header that was damaged is refused, and so is an archive that ends early', () => {
  refuses(
    altered(bundleOf(), (archive) => void archive.write('9', 512 + 124)),
    /damaged/,
  );
  const archive = gunzipSync(bundleOf({ files: [...LIB, file('a/big', 'x'.repeat(2000))] }));
  refuses(gzipSync(archive.subarray(0, archive.length - 2500)), /ends too early/);
  refuses(bundleOf().subarray(0, 40), /no bundle of an agent/);
});

test('decompression bomb: more than the bound is not unpacked', () => {
  refuses(gzipSync(Buffer.alloc(97 * 1024 * 1024)), /no bundle of an agent/);
});

test('a bundle without its manifest, without an agent, or with a file twice is refused', () => {
  refuses(bundleOf({ files: [file('a/lib/cli.cjs')] }), /lib\/agent\.cjs is missing/);
  refuses(bundleOf({ files: [...LIB, file('a/lib/cli.cjs', 'other')] }), /twice/);
  refuses(bundleOf({ manifest: { format: 2 } }), /does not understand/);
  refuses(bundleOf({ manifest: { version: '../../x' } }), /does not understand/);
  refuses(Buffer.from('\0asm'), /gzip/);
});
