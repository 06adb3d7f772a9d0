/** Roles in words. */
import type { Role } from '@wafer/protocol/api';

export const ROLES: { value: Role; label: string }[] = [
  { value: 'viewer', label: 'Viewer: sees everything but people and the audit' },
  { value: 'operator', label: 'Operator: moves channels, publishes, enrols' },
  { value: 'admin', label: 'Admin: also people, tokens, trust and the audit' },
];
