/**
 * Audit: who changed what, when, from where. Append-only.
 *
 * Parties: every context writes events (event.ts), as part of the one statement that makes the
 * change, so there is no change without its event and no event without its change. Admins read.
 */
export { auditRow, SERVER_ACTOR, type AuditActor } from './event.ts';
export { audit } from './routes.ts';
