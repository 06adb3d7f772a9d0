const ROOT = process.argv[2]!;
const { Fleet } = await import(ROOT + '/bench/src/fleet.ts');
const { residentOf, partsOf } = await import(ROOT + '/bench/src/resident.ts');
import { join } from 'node:path';
import { writeFileSync, existsSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const lib = readdirSync('/usr/lib').map((n) => join('/usr/lib', n, 'faketime/libfaketimeMT.so.1')).find((p) => existsSync(p))!;
const fleet = new Fleet();
await fleet.startServer();
await fleet.wafer('keys','init','--no-passphrase','--keys',join(fleet.folder,'keys'));
const board = await fleet.enrol('board');
const m=join(fleet.folder,'wafer.yaml'); writeFileSync(m,'world: reactor\nlimits: { memoryMiB: 1, deadlineMs: 60000 }\ntriggers: { everyMs: 1000 }\nhealth: { soakMs: 500 }\n');
let pid = await fleet.startBoard(board);
await fleet.wafer('publish', ROOT + '/device-agent/bench/pulse/pulse.wasm','--app','pulse','--version','1.0.0','--channel','stable','--manifest',m);
await fleet.untilRunning(board,'pulse'); await fleet.stop(pid);
pid = await fleet.startBoard(board, process.argv[3]==='fast' ? { LD_PRELOAD: lib, FAKETIME: '+0 x20', NO_FAKE_STAT: '1' } : {});
for (let i=0;i<Number(process.argv[4]);i++){ await sleep(30000); const r=residentOf(pid); const p=partsOf(pid, process.execPath); console.log(process.argv[3], (i+1)*30, 's', Object.entries({...r,...p}).map(([k,v])=>k+' '+Number(v).toFixed(1)).join(' ')); }
await fleet.close();
