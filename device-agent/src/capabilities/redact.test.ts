import { describe, expect, it } from 'vitest';
import { Redactor } from './redact.ts';

const VALUE = 'p4ss/w0rd+of "Käthe"';
const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
const redactor = new Redactor({ 'api-key': bytes(VALUE), pin: bytes('12345') });

describe('a secret in a line', () => {
  it.each([
    ['as it is', VALUE],
    ['in base64', Buffer.from(VALUE).toString('base64')],
    ['in base64 for addresses', Buffer.from(VALUE).toString('base64url')],
    ['in hexadecimal', Buffer.from(VALUE).toString('hex')],
    ['in capital hexadecimal', Buffer.from(VALUE).toString('hex').toUpperCase()],
    ['as a JSON string', JSON.stringify(VALUE)],
    ['percent-encoded', encodeURIComponent(VALUE)],
    ['byte for byte, as Latin-1', Buffer.from(VALUE).toString('latin1')],
  ])('is replaced by its name: %s', (_, written) => {
    const shown = redactor.text(`GET /weather?key=${written} failed, ${written}`);
    expect(shown).toContain('[secret api-key]');
    expect(shown).not.toContain(written.slice(0, 8));
    expect(shown).toMatch(/^GET \/weather\?key="?\[secret api-key\]=*"? failed, "?\[secret api-key\]=*"?$/);
  });

  it.each(['a:', 'ab:', 'abc:'])('is found in base64 of a longer text that begins with "%s"', (before) => {
    const shown = redactor.text(`Basic ${Buffer.from(`${before}${VALUE}:after`).toString('base64')}`);
    expect(shown).toContain('[secret api-key]');
    const left = Buffer.from(shown.replace('Basic ', '').replace('[secret api-key]', ''), 'base64');
    expect(left.toString('latin1')).not.toContain('w0rd');
  });

  it('under six bytes is left alone', () => {
    expect(redactor.text('room 12345')).toBe('room 12345');
  });

  it('of several lines is found line by line, and whole', () => {
    const pem = '-----BEGIN KEY-----\nMHcCAQEEIAbcdefghijk\nlmnopqrstuvwxyz\n-----END KEY-----\n';
    const key = new Redactor({ key: bytes(pem) });
    expect(key.text(`line 2 is MHcCAQEEIAbcdefghijk`)).toBe('line 2 is [secret key]');
    expect(key.text(pem)).toBe('[secret key]');
  });

  it('with what patterns are made of is taken literally', () => {
    const odd = new Redactor({ odd: bytes('$&.*($1)') });
    expect(odd.text('is $&.*($1) it')).toBe('is [secret odd] it');
  });

  it('that another contains is not what remains of the other', () => {
    const both = new Redactor({ short: bytes('abcdef'), long: bytes('abcdefghijkl') });
    expect(both.text('abcdefghijkl and abcdef')).toBe('[secret long] and [secret short]');
  });
});

describe('text that is cut', () => {
  it.each([1, 5, 19])('shows no part of a secret of which %i characters would remain', (left) => {
    const before = 'x'.repeat(100 - left);
    expect(redactor.text(`${before}${VALUE} and more`, 100)).toBe(before);
  });

  it('shows none either where names are shorter than the values before', () => {
    const long = new Redactor({ k: bytes('0123456789'.repeat(20)) });
    for (let length = 200; length < 1000; length += 7)
      expect(long.text('0123456789'.repeat(100), length)).toMatch(/^(\[secret k\])+$/);
  });

  it('is no longer than asked for, also when names are longer than values', () => {
    const short = new Redactor({ 'a-long-name-of-a-key': bytes('abcdef') });
    expect(short.text('abcdef'.repeat(50), 200)).toHaveLength(200);
  });
});

describe('bytes that go on', () => {
  const cutAt = (text: string, at: number): number => redactor.cut(Buffer.from(text), at);

  it('are cut where asked when no secret is there', () => {
    expect(cutAt('x'.repeat(300), 100)).toBe(100);
    expect(new Redactor({}).cut(Buffer.from('whatever'), 4)).toBe(4);
  });

  it.each([1, 10, 20])('are cut before a secret that %i bytes of would remain', (bytesBefore) => {
    expect(cutAt(`${'x'.repeat(100 - bytesBefore)}${VALUE}${'y'.repeat(200)}`, 100)).toBe(100 - bytesBefore);
  });

  it('are cut behind a secret that they begin with', () => {
    const hex = Buffer.from(VALUE).toString('hex');
    expect(cutAt(`${hex}${'y'.repeat(200)}`, 20)).toBe(hex.length);
  });
});
