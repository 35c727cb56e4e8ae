// unpacked: did you mean set_max_age
export function set_max_agee() {}
