// failure: base was called twice in one step; at base (native)
// failure: (base-twice.js:5:3)
export function set_max_age({ base }) {
  base();
  base();
}
