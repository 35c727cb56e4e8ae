// What the scripts of this folder share: where to register, and RFC 7592, which the libraries do not speak, or in part.
import assert from 'node:assert/strict';

export const openIssuer = process.env.OPEN_ISSUER;
export const tokenIssuer = process.env.TOKEN_ISSUER;
export const initialAccessToken = process.env.INITIAL_ACCESS_TOKEN;

// Of a refused registration: the code and the description, which names the member.
export const refusedRedirect = 'https://app.example/cb#fragment';
export const refusedCode = 'invalid_redirect_uri';
export const refusedDescription = /^redirect_uris\[0\].*fragment/;

// What the authorization server's metadata must hold as they were given.
export function checkMetadata(metadata, issuer) {
  assert.equal(metadata.issuer, issuer);
  assert.equal(metadata.registration_endpoint, `${issuer}/register`);
  assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
  assert.deepEqual(metadata.response_types_supported, ['code']);
  assert.ok(metadata.authorization_endpoint && metadata.token_endpoint);
}

// Asks as RFC 7592 says, with what the library kept of its registration.
async function ask(registered, method, metadata) {
  const headers = { authorization: `Bearer ${registered.registration_access_token}` };
  if (metadata) headers['content-type'] = 'application/json';
  const response = await fetch(registered.registration_client_uri, { method, headers, body: JSON.stringify(metadata) });
  const text = await response.text();
  return { status: response.status, challenge: response.headers.get('www-authenticate'), body: text && JSON.parse(text) };
}

// Reads a registration and gives the client another name; what a client may not send, it takes out.
export async function rename(registered, name) {
  const read = await ask(registered, 'GET');
  assert.equal(read.status, 200);
  assert.equal(read.body.client_id, registered.client_id);
  assert.equal(read.body.client_name, registered.client_name);
  assert.equal(read.body.registration_access_token, registered.registration_access_token);
  assert.equal(read.body.registration_client_uri, registered.registration_client_uri);

  const { registration_access_token, registration_client_uri, client_id_issued_at, client_secret_expires_at, ...metadata } = read.body;
  const updated = await ask(registered, 'PUT', { ...metadata, client_name: name });
  assert.equal(updated.status, 200, JSON.stringify(updated.body));
  assert.deepEqual(updated.body, { ...read.body, client_name: name });

  const refused = await ask(registered, 'PUT', { ...metadata, redirect_uris: [refusedRedirect] });
  assert.equal(refused.status, 400);
  assert.equal(refused.body.error, refusedCode);
  assert.match(refused.body.error_description, refusedDescription);
  assert.deepEqual((await ask(registered, 'GET')).body, updated.body);
}

// Deletes a registration, whose token is worth nothing then.
export async function remove(registered) {
  assert.deepEqual(await ask(registered, 'DELETE'), { status: 204, challenge: null, body: '' });
  const gone = await ask(registered, 'GET');
  assert.equal(gone.status, 401);
  assert.match(gone.challenge, /^Bearer .*error="invalid_token"/);
}

// Consents as a user's browser would: follows the authorization URL, returns where the answer leads.
export async function consent(url) {
  const response = await fetch(url, { redirect: 'manual' });
  assert.equal(response.status, 302, await response.text());
  return new URL(response.headers.get('location'));
}
