/**
 * The protocol's version: one integer that agent and server exchange in `hello`. It grows by one
 * for every change that the other side can notice; each step has a dated line here.
 *
 * - 1 (2026-11-21): first version.
 * - 2 (2026-11-22): a message on `report` may carry several reports; `request` knows `news`.
 * - 3 (2026-11-22): `hello` may carry a self-test, health what was written; grants of pins, buses, serial lines and
 *   sensors; the app `wafer-agent`.
 */
export const PROTOCOL_VERSION = 3;
