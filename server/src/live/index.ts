/**
 * Live: hints for open pages that something changed.
 *
 * Parties: contexts publish a hint after their statement has committed; pages listen on GET /events
 * and read what a hint names over the API again. A hint carries no data, so a lost, a doubled or a
 * late one does no harm, and nothing rests on it.
 *
 * Invariants: no client costs more than a bounded buffer; a client that is too slow, or for which
 * too much happens, gets `resync` and reads everything again; a client that leaves leaves nothing
 * behind.
 *
 * The hub is one for the process, whichever listener a page came in by. With several servers a page
 * would hear only of what its own server did: there the same hints travel by Postgres' NOTIFY, which
 * may lose them, and may, because they are hints.
 */
export { createLiveHub, type LiveHub } from './hub.ts';
export { live } from './routes.ts';
