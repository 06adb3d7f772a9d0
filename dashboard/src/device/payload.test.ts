import { expect, test } from 'vitest';
import { readable } from './payload.ts';

test('JSON is laid out in lines', () => {
  expect(readable('{"celsius":41.5,"zone":"cpu"}')).toEqual({
    kind: 'json',
    text: '{\n  "celsius": 41.5,\n  "zone": "cpu"\n}',
  });
});

test('anything else stays as it came', () => {
  expect(readable('41.5 °C')).toEqual({ kind: 'text', text: '41.5 °C' });
  expect(readable('{"cut":')).toEqual({ kind: 'text', text: '{"cut":' });
  expect(readable('')).toEqual({ kind: 'text', text: '' });
});
