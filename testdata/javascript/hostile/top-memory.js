// unpacked: memory
const all = [];
for (let i = 0; i < 100; i++) all.push(new Uint8Array(1 << 20));
export function set_max_age() {
  console.log(all.length);
}
