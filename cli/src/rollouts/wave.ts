/** A wave as it is typed: `10%`, `20`, `5/arch`, `hash:100`, `group:lab`, `tag:site=oslo`, `rest`. */
import { WaferError, type WaveOf } from '@wafer/protocol';
import { parsePair } from '../typed.ts';

/** Throws cli.usage. */
export function parseWave(typed: string): WaveOf {
  const text = typed.trim();
  const number = (found: RegExpExecArray | null): number | undefined =>
    found === null ? undefined : Number(found[1]);
  const percent = number(/^(\d{1,3})%$/.exec(text));
  if (percent !== undefined) return { of: 'percent', percent };
  const count = number(/^(\d{1,8})$/.exec(text));
  if (count !== undefined) return { of: 'count', count };
  const each = number(/^(\d{1,8})\/arch$/.exec(text));
  if (each !== undefined) return { of: 'architecture', each };
  const below = number(/^hash:(\d{1,5})$/.exec(text));
  if (below !== undefined) return { of: 'hash', below };
  if (text === 'rest') return { of: 'rest' };
  const group = /^group:(.+)$/.exec(text)?.[1];
  if (group !== undefined) return { of: 'group', group };
  const tag = /^tag:(.+)$/.exec(text)?.[1];
  if (tag !== undefined) {
    const [key, value] = parsePair('tag', tag);
    return { of: 'tag', key, value };
  }
  throw new WaferError(
    'cli.usage',
    `"${typed}" is no wave: write 10% (in total), 20 (devices), 5/arch, hash:100, group:lab, tag:site=oslo or rest`,
  );
}
