// failure: out of fuel|stack overflow
export function set_max_age({ patch }) {
  const handler = {
    ownKeys: () => ["a"],
    get: (_, key) => (key === "toJSON" ? undefined : new Proxy({}, handler)),
    getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
  };
  patch(new Proxy({}, handler));
}
