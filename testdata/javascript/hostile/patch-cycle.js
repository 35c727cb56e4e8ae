// failure: circular reference
export function set_max_age({ patch }) {
  const o = {};
  o.self = o;
  patch(o);
}
