// Keeps the client's name wherever JavaScript has a place for it, and logs what it finds there first: nothing, since an
// instance serves one registration.
let variable;
const cache = new Map(), weak = new WeakMap(), key = {}, list = [], pattern = /./g;
const closure = (() => {
  let kept;
  return (value) => ([kept, value] = [value, kept])[1];
})();
const generator = (function* () {
  let kept;
  for (;;) kept = yield kept;
})();
generator.next();
class Policy {
  static kept;
  static #hidden;
  static exchange(value) {
    const before = Policy.#hidden;
    Policy.#hidden = value;
    return before;
  }
}
const settled = [];

function places(name) {
  return {
    variable: [variable, (variable = name)][0],
    global: [globalThis.kept, (globalThis.kept = name)][0],
    prototype: [Object.prototype.kept, (Object.prototype.kept = name)][0],
    method: [String.prototype.trim.last, (String.prototype.trim.last = name)][0],
    map: [cache.get("kept"), cache.set("kept", name)][0],
    weakMap: [weak.get(key), weak.set(key, name)][0],
    list: [list[0], (list[0] = name)][0],
    lastIndex: [pattern.lastIndex || undefined, pattern.test(name)][0],
    legacy: RegExp.$1,
    closure: closure(name),
    generator: generator.next(name).value === name ? undefined : "kept",
    static: [Policy.kept, (Policy.kept = name)][0],
    hidden: Policy.exchange(name),
    promise: [settled[0], Promise.resolve(name).then((value) => settled.unshift(value))][0],
    function: [places.last, (places.last = name)][0],
  };
}

export function set_max_age({ request, getItem, setItem }) {
  const found = places(request.client_name);
  delete Object.prototype.kept;
  found.item = getItem("kept") ?? undefined;
  setItem("kept", request.client_name);
  for (const place in found) if (found[place] !== undefined) console.warn(`${place}: ${found[place]}`);
  console.log(`met ${request.client_name}`);
}
