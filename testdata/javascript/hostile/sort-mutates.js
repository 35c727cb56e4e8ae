// done
export function set_max_age() {
  const a = Array.from({ length: 100 }, (_, i) => i);
  a.sort(() => {
    a.length = 0;
    return -1;
  });
  const b = new Uint8Array(100);
  b.sort((x, y) => (b.fill(7), y - x));
}
