/*
 * The part of the Metadata Reflection API that tsyringe asks for, which @peculiar/x509 is built on; imported before it.
 */

const metadata = new WeakMap<object, Map<unknown, unknown>>();

const ownMetadata = (key: unknown, target: object): unknown => metadata.get(target)?.get(key);

function inheritedMetadata(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at))
    if (metadata.get(at)?.has(key)) return ownMetadata(key, at);
  return undefined;
}

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const own = metadata.get(target) ?? new Map<unknown, unknown>();
  metadata.set(target, own.set(key, value));
}

Object.assign(Reflect, { defineMetadata, getMetadata: inheritedMetadata, getOwnMetadata: ownMetadata });
