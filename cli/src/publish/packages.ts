/** Where the files that other packages ship alongside their code are: adapters and WIT. */
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';

const require = createRequire(import.meta.url);

/** Root of @bytecodealliance/jco. */
export const jcoFolder = (): string => resolve(dirname(require.resolve('@bytecodealliance/jco')), '..');

/** The project's own WIT. */
export const protocolWit = (): string => resolve(dirname(require.resolve('@wafer/protocol')), '../wit');
