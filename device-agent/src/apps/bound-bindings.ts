/**
 * Writes bounds into generated bindings, where what they do is a matter of syntax; apps/bounded.ts says
 * why, and holds the bounds. It knows the shapes that the pinned transpiler writes, and refuses others.
 */

/** A list that is taken from a guest's memory, element by element. */
const LIST = /((?:var result\d+|const val) = \[\];)(\s*for \((?:let|var) i = 0; i < (len\d*); i\+\+\) \{)/g;
const UNBOUNDED = /\[\];\s*for \((?:let|var) i = 0; i < len\d*; /;

/** An import that takes arguments from a guest's memory. */
const IMPORT = /(const _trampoline\d+ = function\([^)]*\) \{)/g;

/** A list of numbers, bytes for the most part, which is copied as a whole. */
const COPY = /(\.buffer\.slice\(ptr\d*, ptr\d* \+ )(len\d* \* \d+)\)/g;
const UNBOUNDED_COPY = /\.buffer\.slice\((?!ptr\d*, ptr\d* \+ \$copied\()/;

/** A set of every number that a handle ever had, which nothing reads and nothing empties. */
const CREATED = 'table._createdReps.add(rep);';

/** Throws when the script is none that it knows. */
export function boundBindings(script: string): string {
  const bounded = script
    .replace(LIST, '$1 $$bounded($3);$2')
    .replace(IMPORT, '$1 $$entered();')
    .replace(COPY, '$1$$copied($2))')
    .replace(CREATED, '');
  const isUnbounded = UNBOUNDED.test(bounded) || UNBOUNDED_COPY.test(bounded);
  if (isUnbounded || bounded.includes('_createdReps.add')) {
    throw new Error('the bindings have a shape that can not be bounded');
  }
  return bounded;
}
