/**
 * `--publish`: brings a run to a fleet's server, for its board matrix, as whoever the CLI is signed in as:
 * the file that WAFER_CREDENTIALS names, else what `wafer login` kept.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { API_ROOT, type HardwareRun } from '@wafer/protocol';
import { z } from 'zod';

const Credentials = z.object({ api: z.url(), token: z.string().min(1), ca: z.string().optional() });

type Variables = Readonly<Record<string, string | undefined>>;

function credentials(variables: Variables): z.infer<typeof Credentials> {
  const config = variables['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  const file = variables['WAFER_CREDENTIALS'] || join(config, 'wafer/credentials.json');
  return Credentials.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Rejects with what the server said, unless it took it. */
export async function publishRun(run: HardwareRun, variables: Variables = process.env): Promise<void> {
  const { api, token, ca } = credentials(variables);
  const url = new URL(`${API_ROOT}/hardware-runs`, api);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(ca === undefined ? {} : { ca }),
  });
  request.end(JSON.stringify(run));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const said = await text(response);
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) throw new Error(`${url.href}: ${status} ${said}`);
}
