/**
 * What a device lacks of the repository, as one answer: the root that follows its own, the timestamp, and by
 * that the snapshot and the roles of which it has older versions. What does not fit is left out, and the
 * device asks for it by name. Nothing is believed because it came this way: the device verifies each file as
 * if it had asked for it.
 */
import { MetadataName, RESPONSE_BODY_BYTES } from '@wafer/protocol';
import { z } from 'zod';

/** Versions of the roles that a device keeps files of. */
type Known = ReadonlyMap<string, number>;

export interface News {
  readonly files: { readonly name: MetadataName; readonly bytes: number }[];
  readonly body: Buffer;
}

/** Of a timestamp or a snapshot: file → version. */
const Listing = z.object({
  signed: z.object({ meta: z.record(z.string(), z.object({ version: z.number().int() })) }),
});

/** Versions by role, of a file that this server has stored itself. */
const listed = (file: Buffer): Map<string, number> =>
  new Map(
    Object.entries(Listing.parse(JSON.parse(file.toString('utf8'))).signed.meta).map(
      ([name, { version }]) => [name.replace(/\.json$/, ''), version],
    ),
  );

/** `read` answers undefined for a name that nothing has. */
export async function newsFor(
  known: Known,
  read: (name: MetadataName) => Promise<Buffer | undefined>,
): Promise<News> {
  const files: News['files'] = [];
  const bodies: Buffer[] = [];
  let left = RESPONSE_BODY_BYTES;
  const add = async (text: string): Promise<Buffer | undefined> => {
    const name = MetadataName.parse(text);
    const file = await read(name);
    const bytes = file?.length ?? 0;
    if (bytes > left) return file;
    left -= bytes;
    files.push({ name, bytes });
    if (file !== undefined) bodies.push(file);
    return file;
  };
  const newer = (role: string, version: number | undefined): string | undefined =>
    version === undefined || version <= (known.get(role) ?? 0) ? undefined : `${version}.${role}.json`;

  await add(`${(known.get('root') ?? 0) + 1}.root.json`);
  const timestamp = await add('timestamp.json');
  if (timestamp === undefined) return { files, body: Buffer.concat(bodies) };
  const version = listed(timestamp).get('snapshot');
  const isNew = newer('snapshot', version) !== undefined;
  const name = MetadataName.parse(`${version}.snapshot.json`);
  const snapshot = isNew ? await add(name) : undefined;
  for (const [role, current] of snapshot === undefined ? [] : listed(snapshot)) {
    const file = known.has(role) ? newer(role, current) : undefined;
    if (file !== undefined) await add(file);
  }
  return { files, body: Buffer.concat(bodies) };
}
