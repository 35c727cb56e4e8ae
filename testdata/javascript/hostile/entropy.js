// failure: RangeError: 1000 random bytes after 4000: a registration may draw 4096
// failure: (entropy.js:4:47)
export function set_max_age({ random }) {
  for (let i = 0; i < 5; i++) console.log(i), random(1000);
}
