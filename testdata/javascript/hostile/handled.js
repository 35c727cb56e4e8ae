// done
export async function set_max_age() {
  const all = Array.from({ length: 50 }, (_, i) => Promise.reject(i));
  for (const p of all.reverse()) await p.catch(() => {});
}
