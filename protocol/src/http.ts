/** What an http grant covers; apart from the schemas, so that a thread can ask without loading them. */

interface Service {
  readonly scheme: 'http' | 'https';
  readonly port?: number | undefined;
}

/** The port, or the scheme's own. */
export const httpPort = ({ scheme, port }: Service): number => port ?? (scheme === 'https' ? 443 : 80);

/** `*.example.org` covers every name below example.org, and every pattern below it. */
export const hostCovers = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*.') && host.replace(/^\*/, '').endsWith(pattern.slice(1)));
