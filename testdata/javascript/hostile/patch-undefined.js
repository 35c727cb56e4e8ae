// failure: TypeError: a patch must be an object of members; at patch (native)
// failure: (patch-undefined.js:4:3)
export function set_max_age({ patch }) {
  patch(undefined);
}
