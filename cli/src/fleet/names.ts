/** Names as they are typed, checked before they become part of a request. */
import { AppName, ChannelName, DeviceId, GroupName, SecretName, Version, WaferError } from '@wafer/protocol';

const NAMES = {
  app: AppName,
  channel: ChannelName,
  device: DeviceId,
  group: GroupName,
  secret: SecretName,
  version: Version,
} as const;

export function parseName<K extends keyof typeof NAMES>(
  kind: K,
  typed: string,
): ReturnType<(typeof NAMES)[K]['parse']> {
  const parsed = NAMES[kind].safeParse(typed);
  if (parsed.success) return parsed.data as ReturnType<(typeof NAMES)[K]['parse']>;
  const [issue] = parsed.error.issues;
  throw new WaferError('cli.usage', `"${typed}" is no ${kind}: ${issue?.message ?? 'not valid'}`);
}
