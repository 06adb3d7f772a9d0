/**
 * The protocol's version: one integer that agent and server exchange in `hello`. It grows by one
 * for every change that the other side can notice; each step has a dated line here.
 *
 * - 1 (2026-11-21): first version.
 * - 2 (2026-11-22): a message on `report` may carry several reports.
 */
export const PROTOCOL_VERSION = 2;
