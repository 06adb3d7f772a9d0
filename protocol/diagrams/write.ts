/** `npm run docs:diagrams`: puts the diagrams of now into docs/rollouts.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withDiagrams } from './mermaid.ts';

const PAGE = join(import.meta.dirname, '../../docs/rollouts.md');

writeFileSync(PAGE, withDiagrams(readFileSync(PAGE, 'utf8')));
