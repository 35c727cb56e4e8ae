// unpacked: nothing settles
await new Promise(() => {});
export function set_max_age() {}
