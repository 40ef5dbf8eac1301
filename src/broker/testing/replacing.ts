/** The real thing, but for these methods. */
export function replacing<Real extends object>(real: Real, methods: Partial<Real>): Real {
  return new Proxy(real, {
    get(target, name) {
      const replacement: unknown = Reflect.get(methods, name);
      if (replacement !== undefined) return replacement;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
