// What both generations of the MCP SDK do alike: connect to a server that wants an access token, and on the way discover
// whose, register as a public client with a loopback redirect, and get one.
import assert from 'node:assert/strict';
import { checkMetadata, consent, initialAccessToken, openIssuer, refusedRedirect, remove, rename, tokenIssuer } from './registration.mjs';

const redirectURI = 'http://localhost:3118/callback';

// Provider keeps in memory what the SDK tells it.
class Provider {
  constructor(name) {
    this.redirectUrl = redirectURI;
    this.clientMetadata = {
      client_name: name, redirect_uris: [redirectURI], grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'], token_endpoint_auth_method: 'none',
    };
  }
  state() { return 'here'; }
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  redirectToAuthorization(url) { this.authorization = url; }
}

// Connects, and asks the server which client this is.
async function connect(sdk, name) {
  const provider = new Provider(name);
  const server = new URL(process.env.MCP_SERVER);
  const transport = new sdk.StreamableHTTPClientTransport(server, { authProvider: provider });
  await assert.rejects(new sdk.Client({ name, version: '1' }).connect(transport), sdk.UnauthorizedError);
  assert.equal(provider.client.client_secret, undefined);
  assert.equal(provider.client.scope, 'read');
  const back = await consent(provider.authorization);
  assert.equal(back.searchParams.get('state'), 'here');
  await transport.finishAuth(back.searchParams.get('code'));

  const client = new sdk.Client({ name, version: '1' });
  await client.connect(new sdk.StreamableHTTPClientTransport(server, { authProvider: provider }));
  const { content } = await client.callTool({ name: 'whoami', arguments: {} });
  assert.deepEqual(content, [{ type: 'text', text: provider.client.client_id }]);
  await client.close();
}

// Registers by the SDK's own function. The SDK forgets the token and the URL of RFC 7592, so that they are read off here.
async function register(sdk, metadata, issuer, clientMetadata, headers) {
  let answered;
  const fetchFn = async (url, init) => {
    const response = await fetch(url, { ...init, headers: { ...init.headers, ...headers } });
    answered = response.clone();
    return response;
  };
  const client = await sdk.registerClient(issuer, { metadata, clientMetadata, fetchFn });
  const registered = await answered.json();
  assert.equal(client.client_id, registered.client_id);
  return registered;
}

// Goes through a registration's life. refused and unauthorized check the SDK's errors.
export async function run(sdk, name, { refused, unauthorized }) {
  await connect(sdk, name);

  const metadata = await sdk.discoverAuthorizationServerMetadata(openIssuer);
  checkMetadata(metadata, openIssuer);
  const clientMetadata = new Provider(name).clientMetadata;
  await rename(await register(sdk, metadata, openIssuer, clientMetadata), `${name} managed`);
  await remove(await register(sdk, metadata, openIssuer, { ...clientMetadata, scope: '' }));
  await assert.rejects(register(sdk, metadata, openIssuer, { ...clientMetadata, redirect_uris: [refusedRedirect] }), refused);

  // The SDK has no place for an initial access token but its fetch.
  const closed = await sdk.discoverAuthorizationServerMetadata(tokenIssuer);
  const initial = { ...clientMetadata, client_name: `${name} initial` };
  const authorization = `Bearer ${initialAccessToken}`;
  await assert.rejects(register(sdk, closed, tokenIssuer, initial), unauthorized);
  await register(sdk, closed, tokenIssuer, initial, { authorization });
  await assert.rejects(register(sdk, closed, tokenIssuer, initial, { authorization }), unauthorized);
}
