/** Interfaces of functions only, which tell when one of them is called. */

type Functions = Record<string, (...args: never[]) => unknown>;

export const watched = (
  interfaces: Readonly<Record<string, Functions>>,
  onUse: () => void,
): Record<string, object> =>
  Object.fromEntries(
    Object.entries(interfaces).map(([name, functions]) => [name, watchedFunctions(functions, onUse)]),
  );

const watchedFunctions = (functions: Functions, onUse: () => void): Functions =>
  Object.fromEntries(
    Object.entries(functions).map(([name, run]) => [
      name,
      (...args: never[]) => {
        onUse();
        return run(...args);
      },
    ]),
  );
