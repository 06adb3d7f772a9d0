/**
 * wasi:filesystem — the granted folders and files, each for reading only or for writing too. Paths are
 * resolved as beneath.ts tells; a descriptor inherits the access of the grant that it came from, and
 * under a read-only grant everything that would change anything is `read-only`. Both refusals are put on
 * record with the path.
 *
 * Both ends of a link and of a rename must be writable, or a file of a read-only grant could be given a
 * second name where it may be written.
 */
import { constants, fstatSync, openSync } from 'node:fs';
import type { FilesystemGrant } from '@wafer/protocol';
import { grantName } from '@wafer/protocol/grant-names';
import { isProcess, WALK } from './beneath.ts';
import { Descriptor, DirectoryEntryStream, type Access } from './descriptor.ts';
import { errno } from './errno.ts';
import type { DescriptorFlags } from './file-calls.ts';
import { Refusal, type Host } from './host.ts';
import type { IoError } from './io.ts';
import { HeldFiles, type OpenFile } from './open-file.ts';

const refused = (path: string, why: string): Refusal =>
  new Refusal('capability-denied', `The granted ${path} ${why}.`, `filesystem ${path}`);

function refuseProcess(folder: number, name: string, path: string): void {
  if (isProcess(folder, name)) throw refused(path, 'is in the folder of a process, which leads everywhere');
}

/**
 * Opens what a grant names, walking from `/` without following any link: a guest that may write
 * somewhere could otherwise put a link where another grant's path leads through.
 */
function openGranted(path: string): number {
  const names = path.split('/').filter((name) => name !== '');
  const table = new HeldFiles();
  try {
    let folder = table.addFile(() => openSync('/', WALK));
    for (const name of names.slice(0, -1)) {
      refuseProcess(folder.value, name, path);
      const next = table.addFile(() => openSync(`/proc/self/fd/${folder.value}/${name}`, WALK));
      folder.release();
      folder = next;
    }
    const last = names.at(-1) ?? '.';
    refuseProcess(folder.value, last, path);
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    return openSync(`/proc/self/fd/${folder.value}/${last}`, flags);
  } finally {
    table.closeAll();
  }
}

interface Root {
  readonly file: OpenFile;
  readonly grant: FilesystemGrant;
  readonly flags: DescriptorFlags;
}

/** A folder is a preopen as usual; a file that is granted by itself is a descriptor of that file. */
function openRoot(files: HeldFiles, grant: FilesystemGrant): Root {
  const canWrite = grant.access === 'write';
  const file = files.addFile(() => openGranted(grant.host));
  if (fstatSync(file.value).isDirectory()) {
    return { file, grant, flags: { read: true, mutateDirectory: canWrite } };
  }
  if (!canWrite) return { file, grant, flags: { read: true } };
  const again = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY;
  const written = files.addFile(() => openSync(`/proc/self/fd/${file.value}`, again));
  file.release();
  return { file: written, grant, flags: { read: true, write: true } };
}

/** Nothing, and a line in the log, when the board has no such folder. */
function rootOf(host: Host, files: HeldFiles, grant: FilesystemGrant): Root[] {
  try {
    return [openRoot(files, grant)];
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const code = errno(error);
    if (code === 'ENOENT') {
      host.log('warn', `the granted ${grant.host} does not exist on this board`);
      return [];
    }
    const why =
      code === 'ELOOP' || code === 'ENOTDIR'
        ? 'leads through a symbolic link; grant the real path'
        : `cannot be opened (${code ?? String(error)})`;
    throw refused(grant.host, why);
  }
}

const WORDS = {
  reach: 'reach {}, which leads out of what it was granted',
  change: 'change {}, which it was granted for reading only',
} as const;

function accessOf(host: Host, files: HeldFiles, grant: FilesystemGrant): Access {
  const name = grantName.filesystem(grant.host);
  return {
    files,
    canWrite: grant.access === 'write',
    used: () => host.used(name),
    denied: (use, path) => {
      const message = `The guest tried to ${WORDS[use].replace('{}', () => path)}.`;
      host.report(new Refusal('capability-denied', message, `filesystem ${path}`));
    },
  };
}

export interface Filesystem {
  readonly interfaces: Record<string, object>;
  close(): void;
}

export function createFilesystem(host: Host): Filesystem {
  const files = new HeldFiles();
  const roots = (host.grants.filesystem ?? []).flatMap((grant) => rootOf(host, files, grant));
  const getDirectories = (): [Descriptor, string][] =>
    roots.map(({ file, grant, flags }) => {
      const access = accessOf(host, files, grant);
      return [new Descriptor(file.hold(), access, flags, grant.guest), grant.guest];
    });
  return {
    interfaces: {
      'wasi:filesystem/preopens': { getDirectories },
      'wasi:filesystem/types': {
        Descriptor,
        DirectoryEntryStream,
        filesystemErrorCode: (error: IoError) => error.code,
      },
    },
    close: () => files.closeAll(),
  };
}
