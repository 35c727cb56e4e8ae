// Serves node-oidc-provider with dynamic client registration, and its management, on a free port of loopback:
// node server.js SOCKET DATABASE CONNECTIONS. A line that says that it listens has the URL.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";
import { adapter } from "./adapter.js";

const [socketPath, database, connections] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const server = createServer();
server.listen(0, "127.0.0.1", async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(url, {
    adapter: await adapter({ socketPath, database, connections: Number(connections) }),
    claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
    cookies: { keys: ["only for registrations"] },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      registrationManagement: { enabled: true },
    },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" }] },
  });
  provider.on("server_error", (_, error) => console.error(error));
  server.on("request", provider.callback());
  console.log(`level=INFO msg=listening public=${url}`);
});
process.on("SIGTERM", () => {
  server.close(() => process.exit());
  server.closeAllConnections();
});
