// done or failure: stack|nest
export function set_max_age() {
  let depth = 0;
  try {
    for (depth = 10; depth < 20000; depth = (depth * 2) | 0) JSON.parse("[".repeat(depth) + "]".repeat(depth));
  } catch (e) {
    console.warn(depth, e.message);
  }
}
