/**
 * Makes pulse.wasm of pulse.c: `node device-agent/bench/pulse/build.ts`, which needs clang and lld. The component is
 * checked in, so that no benchmark depends on a compiler.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';

const HERE = import.meta.dirname;
const WORLD = `package bench:pulse;
package wafer:app@0.1.0 {
  interface lifecycle { start: func() -> result<_, string>; stop: func(); }
  interface timer { tick: func() -> result<_, string>; }
}
world pulse {
  export wafer:app/lifecycle@0.1.0;
  export wafer:app/timer@0.1.0;
}
`;
const FLAGS = ['--target=wasm32', '-O2', '-ffreestanding', '-nostdlib', '-Wall', '-Wextra', '-Werror'];
const LINK = ['--no-entry', '--strip-all', '-z,stack-size=4096'].map((flag) => `-Wl,${flag}`);

const folder = mkdtempSync(join(tmpdir(), 'wafer-guest-'));
try {
  const core = join(folder, 'core.wasm');
  execFileSync('clang', [...FLAGS, ...LINK, '-o', core, join(HERE, 'pulse.c')], { stdio: 'inherit' });
  const embedded = await componentEmbed({ binary: readFileSync(core), witSource: WORLD, world: 'pulse' });
  writeFileSync(join(HERE, 'pulse.wasm'), await componentNew(embedded));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
