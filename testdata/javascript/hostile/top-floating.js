// unpacked: unhandled
Promise.reject(new Error("unhandled"));
export function set_max_age() {}
