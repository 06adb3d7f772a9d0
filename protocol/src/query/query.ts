/**
 * Queries about devices: what a dynamic group saves and what a preview asks. People write text
 * (`architecture = riscv64 and tag.site = berlin and release.thermo >= 1.2.0`), parse.ts makes this tree
 * of it, print.ts writes it as text again, and the server makes one SQL condition of it.
 *
 * Invariants: parse ∘ print is the identity on every tree; a test is true or false and nothing between:
 * what a device does not have equals nothing and is neither greater nor less, and `not` and `!=` are
 * true where `=` is false. So a board without the tag `site` is in `tag.site != berlin`.
 */
import { z } from 'zod';
import type { AppName, Version } from '../ids.ts';

/** One, or more for `in`. */
export type Values<V> = readonly [V, ...V[]];

export const TEXT_FIELDS = ['id', 'name', 'group', 'architecture', 'os', 'board', 'hostname'] as const;
export type TextField = (typeof TEXT_FIELDS)[number];

export const SET_OPERATORS = ['=', '!=', 'in'] as const;
/** `~` is: contains, whatever the case. */
export const TEXT_OPERATORS = ['=', '!=', '~', 'in'] as const;
export const AGE_OPERATORS = ['<', '<=', '>', '>='] as const;
export const ORDER_OPERATORS = ['=', '!=', '<', '<=', '>', '>=', 'in'] as const;
export const EITHER_OPERATORS = ['=', '!='] as const;

type Among<List extends readonly unknown[]> = List[number];

export const QUERY_HEALTH = ['healthy', 'failing', 'offline', 'unknown'] as const;
/** Of an app on a device: it serves, or the device does not have it. One that failed is neither. */
export const APP_PRESENCE = ['running', 'missing'] as const;

export type Test =
  | { readonly kind: 'presence'; readonly is: 'online' | 'offline' }
  | {
      readonly kind: 'text';
      readonly field: TextField;
      readonly op: Among<typeof TEXT_OPERATORS>;
      readonly values: Values<string>;
    }
  /** Any of the channels that a device is subscribed to. */
  | { readonly kind: 'channel'; readonly op: Among<typeof SET_OPERATORS>; readonly values: Values<string> }
  /** The device has the tag, whatever its value. */
  | { readonly kind: 'tagged'; readonly key: string }
  | {
      readonly kind: 'tag';
      readonly key: string;
      readonly op: Among<typeof TEXT_OPERATORS>;
      readonly values: Values<string>;
    }
  | {
      readonly kind: 'health';
      readonly op: Among<typeof SET_OPERATORS>;
      readonly values: Values<Among<typeof QUERY_HEALTH>>;
    }
  /** `cores` counts, `memory` is in bytes. */
  | {
      readonly kind: 'number';
      readonly field: 'cores' | 'memory';
      readonly op: Among<typeof ORDER_OPERATORS>;
      readonly values: Values<number>;
    }
  /** How long ago, in ms: the device was last heard (`silent`), or came to the fleet (`enrolled`). */
  | {
      readonly kind: 'age';
      readonly field: 'silent' | 'enrolled';
      readonly op: Among<typeof AGE_OPERATORS>;
      readonly ms: number;
    }
  /** In the order of SemVer. */
  | { readonly kind: 'agent'; readonly op: Among<typeof ORDER_OPERATORS>; readonly values: Values<Version> }
  | {
      readonly kind: 'release';
      readonly app: AppName;
      readonly op: Among<typeof ORDER_OPERATORS>;
      readonly values: Values<Version>;
    }
  | {
      readonly kind: 'app';
      readonly app: AppName;
      readonly op: Among<typeof EITHER_OPERATORS>;
      readonly is: Among<typeof APP_PRESENCE>;
    };

export type Query =
  | Test
  | { readonly kind: 'and' | 'or'; readonly of: readonly [Query, Query, ...Query[]] }
  | { readonly kind: 'not'; readonly of: Query };

/** Characters of a query's text. */
export const MAX_QUERY_LENGTH = 2000;
/** Parentheses and `not` inside each other. */
export const MAX_QUERY_DEPTH = 20;

export const QueryText = z.string().trim().min(1).max(MAX_QUERY_LENGTH);

/** As people are told them. */
export const FIELD_NAMES = [
  ...TEXT_FIELDS,
  'channel',
  'tag.<key>',
  'health',
  'online',
  'offline',
  'silent',
  'enrolled',
  'cores',
  'memory',
  'agent',
  'release.<app>',
] as const;

/** They mean themselves only in quotes. */
export const KEYWORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'in']);

/** What ends a word that stands without quotes. */
export const WORD = /^[^\s=<>!~(),"\\]+$/u;

/** Largest first. */
export const MEMORY_UNITS: readonly (readonly [unit: string, bytes: number])[] = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['B', 1],
];
export const AGE_UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];
