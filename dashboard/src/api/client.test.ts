import { describe, expect, test } from 'vitest';
import { failureOf, isSignedOut } from './client.ts';

describe('a failed answer', () => {
  test('speaks in the words of the server, with each place that does not fit', () => {
    const failure = failureOf(422, {
      type: 'urn:wafer:error:request.invalid',
      title: 'The request does not fit its schema',
      status: 422,
      detail: 'version is no SemVer',
      code: 'request.invalid',
      errors: [{ path: 'version', message: 'a version is SemVer' }],
    });
    expect(failure).toMatchObject({
      status: 422,
      code: 'request.invalid',
      title: 'The request does not fit its schema',
      message: 'version is no SemVer',
      places: [{ path: 'version', message: 'a version is SemVer' }],
    });
  });

  test('that is no problem document, as from a proxy, still says its status and what to do', () => {
    for (const body of [undefined, '<html>', { code: 'made.up' }]) {
      const failure = failureOf(502, body);
      expect(failure.code).toBe('answer.unreadable');
      expect(failure.message).toContain('502');
    }
  });

  test('of status 401 means signed out, whatever its body; anything else does not', () => {
    expect(isSignedOut(failureOf(401, undefined))).toBe(true);
    expect(isSignedOut(failureOf(403, undefined))).toBe(false);
    expect(isSignedOut(new Error('401'))).toBe(false);
  });
});
