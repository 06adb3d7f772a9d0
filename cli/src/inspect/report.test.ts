import { describe, expect, it } from 'vitest';
import { byPackage } from './report.ts';

describe('imports and exports', () => {
  it('are grouped by package and version, in their order', () => {
    expect(
      byPackage(['wasi:io/poll@0.2.6', 'wasi:io/streams@0.2.6', 'wasi:io/poll@0.2.0', 'acme:a/b', 'init']),
    ).toEqual({
      'wasi:io@0.2.6': ['poll', 'streams'],
      'wasi:io@0.2.0': ['poll'],
      'acme:a': ['b'],
      init: ['init'],
    });
  });
});
