/** Who is asking: `wafer login`, and links that sign a browser in. */
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { login, type LoginOptions } from './login.ts';

export function addAccountCommands(program: Command, context: Context): void {
  addCommand(program, 'login', 'keep a token for a server', context, async (_, command) => {
    const options = command.opts<LoginOptions>();
    const { file, api, me } = await login(options, context);
    return {
      json: { server: api, name: me.name, role: me.role, file },
      text: () => `signed in to ${api} as ${me.name} (${me.role}); kept in ${file}`,
    };
  })
    .requiredOption('--server <url>', 'address of the server, for example https://fleet.example:8443')
    .requiredOption('--token <token>', 'API token; - reads it from standard input')
    .option('--ca <file>', "PEM of the server's own CA")
    .option('--ca-sha256 <sha256>', "SHA-256 of the server's own CA, instead of its file");

  addCommand(program, 'sign-in', 'make a one-time link that opens the dashboard', context, async () => {
    const link = await (await signedInApi(context)).createSignInLink();
    return { json: link, text: () => link.url };
  });
}
