import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { CHUNK_BYTES, FaultError } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { fetchBlob, type Wanted } from '../../src/apps/fetch.ts';
import { BlobStore } from '../../src/apps/store.ts';
import type { Requests } from '../../src/link/requests.ts';
import { temporaryFolder } from '../folder.ts';
import { Repository } from '../trust/repository.ts';

const BYTES = randomBytes(5 * CHUNK_BYTES + 100);

async function newDownload() {
  const repository = new Repository();
  const { target, custom } = repository.publish('thermo', '1.0.0', { bytes: BYTES });
  const store = await BlobStore.open(await temporaryFolder());
  const wanted: Wanted = { digest: target.sha256, length: target.length, chunks: custom.chunks };
  const asked = () =>
    repository.asked.flatMap((question) => (question.want === 'chunk' ? question.index : []));
  return { repository, store, wanted, asked };
}

test('a component arrives whole, and nothing else is left', async () => {
  const { repository, store, wanted } = await newDownload();
  await fetchBlob(wanted, { store, requests: repository.requests });
  expect(await store.read(wanted.digest)).toEqual(BYTES);
  expect(await readdir(store.folder)).toEqual([`${wanted.digest}.wasm`]);
});

test('after a cut, only the chunks that are missing are asked for', async () => {
  const { repository, store, wanted, asked } = await newDownload();
  const cut: Pick<Requests, 'ask'> = {
    ask: (question) =>
      question.want === 'chunk' && question.index >= 3
        ? Promise.reject(new FaultError('link', 'cut'))
        : repository.requests.ask(question),
  };
  await expect(fetchBlob(wanted, { store, requests: cut })).rejects.toMatchObject({
    fault: { kind: 'link' },
  });
  repository.asked = [];
  await fetchBlob(wanted, { store, requests: repository.requests });
  expect(asked().toSorted((a, b) => a - b)).toEqual([3, 4, 5]);
  expect(await store.read(wanted.digest)).toEqual(BYTES);
});

test('a stored chunk that rotted is asked for again', async () => {
  const { repository, store, wanted, asked } = await newDownload();
  const part = Buffer.from(BYTES);
  part[CHUNK_BYTES + 5]! ^= 1;
  await writeFile(store.partPath(wanted.digest), part);
  await fetchBlob(wanted, { store, requests: repository.requests });
  expect(asked()).toEqual([1]);
  expect(await store.read(wanted.digest)).toEqual(BYTES);
});

test('a broker that alters a chunk is caught before the chunk is stored, and asked twice more', async () => {
  const { repository, store, wanted, asked } = await newDownload();
  repository.alterChunk = (_, index, bytes) => {
    if (index === 2) bytes[0]! ^= 1;
    return bytes;
  };
  await expect(fetchBlob(wanted, { store, requests: repository.requests })).rejects.toMatchObject({
    fault: { kind: 'digest', subject: 'chunk 2' },
  });
  expect(asked().filter((index) => index === 2)).toHaveLength(3);
  expect(await store.has(wanted.digest)).toBe(false);
  const part = await readFile(store.partPath(wanted.digest));
  const third = part.subarray(2 * CHUNK_BYTES, 3 * CHUNK_BYTES);
  expect(third.every((byte) => byte === 0)).toBe(true);
});

test('a chunk that is altered once in a while still arrives', async () => {
  const { repository, store, wanted } = await newDownload();
  let lies = 2;
  repository.alterChunk = (_, __, bytes) => (lies-- > 0 ? Buffer.alloc(3) : bytes);
  await fetchBlob(wanted, { store, requests: repository.requests });
  expect(await store.read(wanted.digest)).toEqual(BYTES);
});

test('a chunk that unpacks beyond its bound (a zip bomb) is a digest fault', async () => {
  const { repository, store, wanted } = await newDownload();
  repository.alterChunk = () => Buffer.alloc(50 * 1024 * 1024);
  await expect(fetchBlob(wanted, { store, requests: repository.requests })).rejects.toMatchObject({
    fault: { kind: 'digest' },
  });
});

test('a component larger than the disk is a disk fault before anything is asked for', async () => {
  const { repository, store, wanted, asked } = await newDownload();
  const length = 2 ** 50;
  const chunks = { length: length / CHUNK_BYTES, entries: () => [][Symbol.iterator]() };
  const huge = { ...wanted, length, chunks: chunks as unknown as Wanted['chunks'] };
  await expect(fetchBlob(huge, { store, requests: repository.requests })).rejects.toMatchObject({
    fault: { kind: 'disk' },
  });
  expect(asked()).toEqual([]);
});

test('a component that the server does not have is a link fault that says so', async () => {
  const { repository, store, wanted } = await newDownload();
  repository.blobs.clear();
  await expect(fetchBlob(wanted, { store, requests: repository.requests })).rejects.toMatchObject({
    fault: { kind: 'link', subject: 'not-found' },
  });
});

test('an aborted download keeps what it has', async () => {
  const { repository, store, wanted, asked } = await newDownload();
  const abort = new AbortController();
  repository.alterChunk = (_, index, bytes) => {
    if (index === 4) abort.abort();
    return bytes;
  };
  const requests = repository.requests;
  await expect(fetchBlob(wanted, { store, requests, signal: abort.signal })).rejects.toThrow();
  repository.asked = [];
  await fetchBlob(wanted, { store, requests });
  expect(asked().length).toBeLessThan(6);
});

test('a component that rotted on disk is removed and not run', async () => {
  const { repository, store, wanted } = await newDownload();
  await fetchBlob(wanted, { store, requests: repository.requests });
  await writeFile(store.wholePath(wanted.digest), 'rotten');
  await expect(store.read(wanted.digest)).rejects.toMatchObject({ fault: { kind: 'digest' } });
  expect(await store.has(wanted.digest)).toBe(false);
});
