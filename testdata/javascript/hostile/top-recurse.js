// unpacked: stack overflow
const f = () => f() + 1;
f();
export function set_max_age() {}
