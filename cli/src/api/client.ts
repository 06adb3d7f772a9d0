/**
 * The server's API as typed calls. Every answer is parsed with the schema that the server's own
 * routes validate by; every problem becomes a `WaferError` with the problem's code.
 */
import {
  API_ROOT,
  AuditChain,
  AuditEventList,
  type AuditEventView,
  AuditStatus,
  ChangedMembers,
  ChangedSecret,
  type ChangeMembers,
  ChannelList,
  ClaimList,
  CreatedClaim,
  CreatedSignInLink,
  type CreateClaim,
  type CreateGroup,
  type CreateRelease,
  type CreateRollout,
  DeviceDetail,
  DeviceList,
  type DeviceSummary,
  type ErrorCode,
  GroupList,
  type GroupMember,
  GroupMemberList,
  GroupPreview,
  GroupView,
  type InitTrust,
  Me,
  type MetadataName,
  type MoveChannel,
  MovedChannel,
  type NextMetadata,
  type OnlineKeyRole,
  OnlineKeys,
  PinList,
  PinView,
  Problem,
  ReleaseList,
  ReleaseView,
  RoleMetadata,
  type RolloutAction,
  RolloutList,
  type RolloutOrder,
  RolloutPreview,
  RolloutView,
  SecretList,
  type SetPin,
  type SetSecret,
  SignedMetadata,
  TrustStatus,
  TrustView,
  type UpdateGroup,
  UploadedBlob,
  WaferError,
} from '@wafer/protocol';
import { z } from 'zod';
import type { Credentials } from '../account/credentials.ts';
import { everyPage, someOf } from './pages.ts';
import { type Answer, exchange, type Exchange } from './transport.ts';

export type Api = ReturnType<typeof createApi>;

export function createApi(credentials: Credentials) {
  const call = async <T extends z.ZodType>(schema: T, what: Exchange): Promise<z.infer<T>> => {
    const full = { ...what, path: API_ROOT + what.path };
    const answer = await exchange(credentials, full);
    if (answer.status < 200 || answer.status > 299) throw refusalOf(answer, full);
    return parseAnswer(schema, jsonOf(answer.bytes.toString('utf8')), `${full.method} ${full.path}`);
  };
  const get = <T extends z.ZodType>(schema: T, path: string) => call(schema, { method: 'GET', path });
  const send = <T extends z.ZodType>(
    schema: T,
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: object,
  ) =>
    call(schema, {
      method,
      path,
      body: { type: 'application/json', bytes: Buffer.from(JSON.stringify(body), 'utf8') },
    });

  return {
    me: () => get(Me, '/me'),
    devices: () => everyPage<DeviceSummary>((query) => get(DeviceList, `/devices${query}`)),
    device: (id: string) => get(DeviceDetail, `/devices/${encodeURIComponent(id)}`),
    releases: () => everyPage<ReleaseView>((query) => get(ReleaseList, `/releases${query}`)),
    channels: async () => (await get(ChannelList, '/channels')).items,
    moveChannel: (channel: string, app: string, move: z.input<typeof MoveChannel>) =>
      send(
        MovedChannel,
        'PUT',
        `/channels/${encodeURIComponent(channel)}/apps/${encodeURIComponent(app)}`,
        move,
      ),
    secrets: async (app: string) => (await get(SecretList, secretsOf(app))).items,
    setSecret: (app: string, name: string, secret: z.input<typeof SetSecret>) =>
      send(ChangedSecret, 'PUT', `${secretsOf(app)}/${encodeURIComponent(name)}`, secret),
    removeSecret: (app: string, name: string, channel: string | undefined) =>
      call(ChangedSecret, {
        method: 'DELETE',
        path: `${secretsOf(app)}/${encodeURIComponent(name)}${channel === undefined ? '' : `?channel=${encodeURIComponent(channel)}`}`,
      }),
    rollouts: () => everyPage<RolloutView>((query) => get(RolloutList, `/rollouts${query}`)),
    rollout: (id: string) => get(RolloutView, `/rollouts/${encodeURIComponent(id)}`),
    previewRollout: (spec: z.input<typeof CreateRollout>) =>
      send(RolloutPreview, 'POST', '/rollouts/preview', spec),
    createRollout: (spec: z.input<typeof CreateRollout>) => send(RolloutView, 'POST', '/rollouts', spec),
    orderRollout: (id: string, action: RolloutAction, order: z.input<typeof RolloutOrder>) =>
      send(RolloutView, 'POST', `/rollouts/${encodeURIComponent(id)}/${action}`, order),
    groups: (device: string | undefined) =>
      everyPage<GroupView>((query) =>
        get(GroupList, `/groups${query}${device === undefined ? '' : `&device=${device}`}`),
      ),
    group: (name: string) => get(GroupView, groupAt(name)),
    /** By id, at most `most`. */
    groupMembers: (name: string, most: number) =>
      someOf<GroupMember>(most, (page) =>
        get(GroupMemberList, `${groupAt(name)}/devices?${new URLSearchParams(page).toString()}`),
      ),
    previewGroup: (query: string) => send(GroupPreview, 'POST', '/groups/preview', { query }),
    createGroup: (group: z.input<typeof CreateGroup>) => send(GroupView, 'POST', '/groups', group),
    updateGroup: (name: string, change: z.input<typeof UpdateGroup>) =>
      send(GroupView, 'PATCH', groupAt(name), change),
    deleteGroup: (name: string) => call(z.undefined(), { method: 'DELETE', path: groupAt(name) }),
    changeGroupMembers: (name: string, change: z.input<typeof ChangeMembers>) =>
      send(ChangedMembers, 'POST', `${groupAt(name)}/devices`, change),
    createClaim: (claim: z.input<typeof CreateClaim>) => send(CreatedClaim, 'POST', '/claim-tokens', claim),
    claims: async () => (await get(ClaimList, '/claim-tokens')).items,
    revokeClaim: (id: string) => call(z.undefined(), { method: 'DELETE', path: `/claim-tokens/${id}` }),
    revokeDevice: (id: string) =>
      call(z.undefined(), { method: 'POST', path: `/devices/${encodeURIComponent(id)}/revoke` }),
    pins: () => everyPage<PinView>((query) => get(PinList, `/pins${query}`)),
    setPin: (id: string, app: string, pin: z.input<typeof SetPin>) =>
      send(PinView, 'PUT', pinOf(id, app), pin),
    removePin: (id: string, app: string) => call(z.undefined(), { method: 'DELETE', path: pinOf(id, app) }),
    endRest: (id: string) =>
      call(z.undefined(), { method: 'DELETE', path: `/devices/${encodeURIComponent(id)}/rest` }),
    createSignInLink: () => send(CreatedSignInLink, 'POST', '/sign-in-links', {}),
    /** Newest first, at most `most`. */
    auditEvents: (filter: { target?: string; actor?: string }, most: number) =>
      someOf<AuditEventView>(most, (page) =>
        get(AuditEventList, `/audit?${new URLSearchParams({ ...filter, ...page }).toString()}`),
      ),
    auditStatus: () => get(AuditStatus, '/audit/status'),
    auditChain: async (after: number, limit: number) =>
      (await get(AuditChain, `/audit/chain?after=${after}&limit=${limit}`)).items,
    onlineKeys: () => get(OnlineKeys, '/trust/online-keys'),
    trustStatus: () => get(TrustStatus, '/trust/status'),
    /** Current signed metadata of a role, as the server has it: verify before use. */
    role: async (role: string) => {
      const { content } = await get(RoleMetadata, `/trust/roles/${encodeURIComponent(role)}`);
      return parseAnswer(SignedMetadata, jsonOf(content), `the role ${role}`);
    },
    /** Metadata by its TUF name, as the server has it; undefined when there is none. Verify before use. */
    metadata: async (name: MetadataName) => {
      try {
        return await get(SignedMetadata, `/trust/metadata/${name}`);
      } catch (error) {
        if (error instanceof WaferError && error.code === 'request.not-found') return undefined;
        throw error;
      }
    },
    trust: () => get(TrustView, '/trust'),
    nextMetadata: (next: z.input<typeof NextMetadata>) => send(z.unknown(), 'POST', '/trust/metadata', next),
    rotateOnline: (roles: readonly OnlineKeyRole[]) =>
      send(OnlineKeys, 'POST', '/trust/online-keys', { roles }),
    initTrust: (init: z.input<typeof InitTrust>) => send(z.unknown(), 'POST', '/trust', init),
    uploadBlob: (digest: string, bytes: Uint8Array, onProgress: (sentBytes: number) => void) =>
      call(UploadedBlob, {
        method: 'PUT',
        path: `/blobs/${digest}`,
        body: { type: 'application/octet-stream', bytes },
        onProgress,
      }),
    createRelease: (release: z.input<typeof CreateRelease>) =>
      send(ReleaseView, 'POST', '/releases', release),
  };
}

const pinOf = (id: string, app: string): string =>
  `/devices/${encodeURIComponent(id)}/pins/${encodeURIComponent(app)}`;
const groupAt = (name: string): string => `/groups/${encodeURIComponent(name)}`;
const secretsOf = (app: string): string => `/apps/${encodeURIComponent(app)}/secrets`;

function parseAnswer<T extends z.ZodType>(schema: T, json: unknown, what: string): z.infer<T> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new WaferError(
    'server.internal',
    `${what} gave an answer that this version does not understand: ${z.prettifyError(parsed.error)}`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The problem that the server stated, or the nearest code when what answered is not Wafer. */
function refusalOf(answer: Answer, { method, path }: Exchange): WaferError {
  const problem = Problem.safeParse(jsonOf(answer.bytes.toString('utf8')));
  if (!problem.success)
    return new WaferError(
      codeOfStatus(answer.status),
      `${method} ${path} was answered with status ${answer.status}`,
    );
  const { code, detail, errors = [] } = problem.data;
  const places = errors
    .map((error) => `${error.path}: ${error.message}`)
    .filter((line) => !detail.includes(line));
  return new WaferError(code, places.length === 0 ? detail : `${detail} (${places.join('; ')})`);
}

function codeOfStatus(status: number): ErrorCode {
  switch (status) {
    case 401:
      return 'auth.required';
    case 403:
      return 'auth.forbidden';
    case 404:
      return 'request.not-found';
    case 413:
      return 'request.too-large';
    case 429:
      return 'request.rate-limited';
    case 502:
    case 503:
    case 504:
      return 'server.unavailable';
    default:
      return 'server.internal';
  }
}
