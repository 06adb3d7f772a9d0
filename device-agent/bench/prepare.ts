/** Makes one component runnable, as the agent of a small board would: the folder and the component's file are its arguments. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Digest, Limits } from '@wafer/protocol';
import { createPrepare } from '../src/apps/prepare.ts';
import { profileOf } from '../src/memory/profile.ts';

const [folder = '', file = ''] = process.argv.slice(2);
const bytes = readFileSync(file);
const digest = Digest.parse(createHash('sha256').update(bytes).digest('hex'));
const { transpilerMiB } = profileOf(512 * 2 ** 20);
await createPrepare({ folder, memoryMiB: transpilerMiB })(digest, bytes, Limits.parse({}));
