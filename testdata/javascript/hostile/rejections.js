// failure: Error: reason 0
export function set_max_age() {
  for (let i = 0; i < 100; i++) Promise.reject(new Error(`reason ${i}`));
}
