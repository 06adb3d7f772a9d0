/** Which headers are the host's own, and how names and values are spelled. */

/**
 * What belongs to a connection and not to a message (RFC 9110, 7.6.1), and what says where a message goes.
 * A guest can not set them, and does not see them in a response.
 */
const FORBIDDEN: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

export const isForbidden = (name: string): boolean => FORBIDDEN.has(name.toLowerCase());

/** RFC 9110, 5.6.2. */
export const isToken = (name: string): boolean => /^[!#$%&'*+.^_`|~0-9a-zA-Z-]+$/.test(name);

/** RFC 9110, 5.5: no line ends, no other control characters, no space around it. */
export const isFieldValue = (value: string): boolean =>
  value === '' || /^[!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?$/.test(value);
