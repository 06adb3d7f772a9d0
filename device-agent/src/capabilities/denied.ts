/**
 * The stand-in for every interface that a guest was not granted or that does not exist here. Linking
 * against it succeeds; using anything of it ends the call with a fault that names interface and function.
 */
import { Refusal, type Host } from './host.ts';

/** As WIT spells it; the bindings' names of resources begin with a capital. */
export const kebab = (name: string): string =>
  name.replace(/[A-Z]/g, (letter, at: number) => `${at === 0 ? '' : '-'}${letter.toLowerCase()}`);

/** Answers a value that serves as a function and as a resource's class, and denies either. */
function deniedMember(host: Host, interfaceName: string, member: string): unknown {
  const deny = (used: string): never => {
    const subject = `${interfaceName}#${used}`;
    const refusal = new Refusal(
      'capability-denied',
      `The guest called ${used} of ${interfaceName}, which nothing grants it.`,
      subject,
    );
    return host.fail(refusal);
  };
  const name = kebab(member);
  // The bindings read `prototype` and symbols while they link; that is no use of the capability.
  const statics: ProxyHandler<() => never> = {
    get: (target, key) =>
      typeof key === 'symbol' || key in target
        ? Reflect.get(target, key)
        : () => deny(`${name}.${kebab(key)}`),
    construct: () => deny(name),
  };
  return new Proxy(function denied() {
    return deny(name);
  }, statics);
}

/** An import namespace in which every name exists and denies. */
export const denied = (host: Host, interfaceName: string): object =>
  new Proxy(Object.create(null) as object, {
    has: () => true,
    get: (_, key) => (typeof key === 'symbol' ? undefined : deniedMember(host, interfaceName, key)),
  });
