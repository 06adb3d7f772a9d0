import { expect, test } from 'vitest';
import { byPackage, packageNames } from './interfaces.ts';

const IMPORTS = [
  'wasi:io/streams@0.2.6',
  'wasi:cli/stdout@0.2.6',
  'wasi:io/error@0.2.6',
  'wasi:messaging/producer@0.2.0-draft',
  'wasi:io/poll@0.2.0',
];

test('interfaces stand under their package, and versions of a package apart', () => {
  expect(byPackage(IMPORTS)).toEqual([
    { name: 'wasi:cli@0.2.6', interfaces: ['stdout'] },
    { name: 'wasi:io@0.2.0', interfaces: ['poll'] },
    { name: 'wasi:io@0.2.6', interfaces: ['error', 'streams'] },
    { name: 'wasi:messaging@0.2.0-draft', interfaces: ['producer'] },
  ]);
});

test('names without a package come last, as they are', () => {
  expect(byPackage(['run', 'wasi:cli/run@0.2.6'])).toEqual([
    { name: 'wasi:cli@0.2.6', interfaces: ['run'] },
    { name: null, interfaces: ['run'] },
  ]);
});

test('a summary names each package once', () => {
  expect(packageNames(IMPORTS)).toEqual(['wasi:cli', 'wasi:io', 'wasi:messaging']);
  expect(packageNames([])).toEqual([]);
});
