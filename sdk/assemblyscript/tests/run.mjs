// run.mjs FILE.wasm: runs every exported function and exits 1 if one traps. There is no server: errors are printed, and
// every other function of registrar_v1 traps.
import { readFileSync } from "node:fs";

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
let failed = 0;
let tests = 0;
for (const { name, kind } of WebAssembly.Module.exports(module)) {
  if (kind !== "function" || name === "_initialize") continue;
  tests++;
  const imports = {};
  for (const { name } of WebAssembly.Module.imports(module)) {
    imports[name] = () => {
      throw new Error(`${name} works in the server alone`);
    };
  }
  imports.log = (level, ptr, len) => console.error(new TextDecoder().decode(new Uint8Array(instance.exports.memory.buffer, ptr, len)));
  const instance = new WebAssembly.Instance(module, { registrar_v1: imports });
  try {
    instance.exports._initialize?.();
    instance.exports[name]();
  } catch (error) {
    failed++;
    console.error(`${name} failed: ${error.message}`);
  }
}
console.log(`${tests} tests, ${failed} failed`);
process.exit(failed > 0 || tests === 0 ? 1 : 0);
