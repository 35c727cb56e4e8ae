// failure: stack overflow|calls nest
export function set_max_age() {
  const o = { [Symbol.toPrimitive]() { return `${o}`; } };
  `${o}`;
}
