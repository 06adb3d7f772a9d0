/** Bundles of agents, made as `npm run package` makes them, of a few files. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { tarGzip, type TarEntry } from '../../package/tar.ts';

const MANIFEST = { wafer: 'agent', format: 1, version: '2.0.0', node: '24.15.0' };

export const file = (path: string, content = ''): TarEntry => ({
  path,
  bytes: Buffer.from(content),
  mode: 0o644,
});

interface Made {
  readonly manifest?: object;
  readonly files?: readonly TarEntry[];
}

/** A whole one, but for what is said otherwise. */
export function bundleOf({ manifest = {}, files }: Made = {}): Buffer {
  const said = JSON.stringify({ ...MANIFEST, ...manifest });
  const all = files ?? [file('a/lib/cli.cjs', '// commands'), file('a/lib/agent.cjs', '// agent')];
  return tarGzip([{ path: 'a', bytes: undefined, mode: 0o755 }, file('a/wafer-agent.json', said), ...all], 0);
}

/** The same with one byte of its archive, or some, written over. */
export function altered(bundle: Buffer, change: (archive: Buffer) => void): Buffer {
  const archive = gunzipSync(bundle);
  change(archive);
  return gzipSync(archive);
}
