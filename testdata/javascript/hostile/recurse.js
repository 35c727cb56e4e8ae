// failure: InternalError: stack overflow; at f (recurse.js:3:
function f(n) {
  return f(n + 1) + 1;
}

export function set_max_age() {
  f(0);
}
