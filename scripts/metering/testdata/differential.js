// Runs modules that come as lines of JSON, and answers a line for each: what came of each function, in order, and of the
// memory and the globals. See differential_test.go.
const crypto = require("crypto");
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { wasm, functions } = JSON.parse(line);
  const results = [];
  try {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(wasm, "base64")));
    for (let f = 0; f < functions; f++) {
      try {
        const result = instance.exports["f" + f]();
        results.push(result === undefined ? "none" : BigInt.asUintN(64, BigInt(result)).toString());
      } catch (e) {
        if (!(e instanceof WebAssembly.RuntimeError)) throw e;
        results.push("trap");
      }
    }
    const { memory, g0, g1 } = instance.exports;
    results.push(crypto.createHash("sha256").update(Buffer.from(memory.buffer)).digest("hex"));
    results.push(BigInt.asUintN(64, BigInt(g0.value)).toString(), BigInt.asUintN(64, g1.value).toString());
  } catch (e) {
    results.push("error: " + e);
  }
  process.stdout.write(JSON.stringify(results) + "\n");
});
