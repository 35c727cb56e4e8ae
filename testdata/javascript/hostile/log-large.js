// done
export function set_max_age() {
  console.log("x".repeat(100000));
}
