// unpacked: does not end
for (;;);
export function set_max_age() {}
