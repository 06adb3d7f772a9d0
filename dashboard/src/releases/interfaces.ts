/** Imports and exports of a component, grouped by the package that they come from. */
export interface Package {
  /** `wasi:io@0.2.6`; null for names that stand outside any package, such as `run`. */
  readonly name: string | null;
  readonly interfaces: readonly string[];
}

/** `wasi:io/streams@0.2.6` → package `wasi:io@0.2.6`, interface `streams`. */
function split(spelled: string): [name: string | null, part: string] {
  const match = /^([^/@]+:[^/@]+)\/([^@]+)(@.+)?$/.exec(spelled);
  return match ? [`${match[1]}${match[3] ?? ''}`, match[2] ?? ''] : [null, spelled];
}

/** Packages in alphabetical order, those without a package last. */
export function byPackage(names: readonly string[]): Package[] {
  const groups = new Map<string | null, string[]>();
  for (const [name, part] of names.map(split)) groups.set(name, [...(groups.get(name) ?? []), part]);
  return [...groups]
    .map(([name, interfaces]) => ({ name, interfaces: interfaces.toSorted() }))
    .toSorted(
      (a, b) =>
        Number(a.name === null) - Number(b.name === null) || (a.name ?? '').localeCompare(b.name ?? ''),
    );
}

/** Package names without versions, once each: `wasi:io`, `wasi:cli`. */
export const packageNames = (names: readonly string[]): string[] => [
  ...new Set(
    byPackage(names).map(({ name, interfaces }) => name?.replace(/@.*$/, '') ?? interfaces.join(', ')),
  ),
];
