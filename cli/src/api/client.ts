/**
 * The server's API as typed calls: which there are, with what they take and give. How a call is made
 * stands in calls.ts.
 */
import {
  AuditChain,
  AuditEventList,
  type AuditEventView,
  AuditStatus,
  ChangedSecret,
  ChannelList,
  ClaimList,
  CreatedClaim,
  CreatedSignInLink,
  type CreateClaim,
  type CreateRelease,
  DeviceDetail,
  DeviceList,
  type DeviceSummary,
  FleetBoards,
  type HardwareRun,
  HardwareRunList,
  HardwareRunView,
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
  ReleaseList,
  ReleaseView,
  RoleMetadata,
  SecretList,
  type SetPin,
  type SetSecret,
  SignedMetadata,
  TrustStatus,
  TrustView,
  UploadedBlob,
  WaferError,
} from '@wafer/protocol';
import { z } from 'zod';
import type { Credentials } from '../account/credentials.ts';
import type { Context } from '../context.ts';
import { createCalls, jsonOf, parseAnswer } from './calls.ts';
import { groupCalls } from './groups.ts';
import { everyPage, someOf } from './pages.ts';
import { rolloutCalls } from './rollouts.ts';

export type Api = ReturnType<typeof createApi>;

export function createApi(credentials: Credentials, sleep: Context['sleep']) {
  const calls = createCalls(credentials, sleep);
  const { get, send, call } = calls;
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
    boards: async () => (await get(FleetBoards, '/boards')).items,
    latestRun: async () => (await get(HardwareRunList, '/hardware-runs?limit=1')).items[0],
    publishRun: (run: HardwareRun) => send(HardwareRunView, 'POST', '/hardware-runs', run),
    ...rolloutCalls(calls),
    ...groupCalls(calls),
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
const secretsOf = (app: string): string => `/apps/${encodeURIComponent(app)}/secrets`;
