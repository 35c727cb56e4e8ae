// done
// log: undefined undefined undefined undefined undefined undefined undefined undefined
export function set_max_age() {
  console.log(
    typeof WebAssembly,
    typeof SharedArrayBuffer,
    typeof Atomics,
    typeof WeakRef,
    typeof FinalizationRegistry,
    typeof Intl,
    typeof process,
    typeof fetch,
  );
}
