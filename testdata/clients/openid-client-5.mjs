// openid-client 5, much used still: the one library here that reads a registration back (RFC 7592).
import assert from 'node:assert/strict';
import { errors, generators, Issuer } from 'openid-client-5';
import { checkMetadata, consent, initialAccessToken, openIssuer, refusedCode, refusedDescription, refusedRedirect, remove, rename, tokenIssuer } from './registration.mjs';

const issuer = await Issuer.discover(openIssuer);
checkMetadata(issuer.metadata, openIssuer);

// Registers, renames, and reads back, all but the secret, which no server that keeps a hash can show.
const redirectURI = 'https://app.example/cb';
const code = await issuer.Client.register({ client_name: 'openid-client-5', redirect_uris: [redirectURI], id_token_signed_response_alg: 'ES256' });
await rename(code.metadata, 'openid-client-5 code');
const { client_secret, ...shown } = code.metadata;
assert.ok(client_secret);
const read = await issuer.Client.fromUri(code.registration_client_uri, code.registration_access_token);
assert.deepEqual(read.metadata, { ...shown, client_name: 'openid-client-5 code' });

// The code grant, with the secret of the registration.
const code_verifier = generators.codeVerifier();
const callback = await consent(code.authorizationUrl({
  scope: 'read', state: 'here', code_challenge: generators.codeChallenge(code_verifier), code_challenge_method: 'S256',
}));
const tokens = await code.oauthCallback(redirectURI, code.callbackParams(callback.href), { code_verifier, state: 'here' });
assert.ok(tokens.access_token);

// What is gone cannot be read, and the library says so.
const gone = await issuer.Client.register({ client_name: 'openid-client-5 gone', redirect_uris: [redirectURI] });
await remove(gone.metadata);
// The library reads the challenge alone, where that names an error.
const invalidToken = (error) => error instanceof errors.OPError && error.error === 'invalid_token' && error.error_description !== undefined;
await assert.rejects(issuer.Client.fromUri(gone.registration_client_uri, gone.registration_access_token), invalidToken);

// A refusal is the library's error, with the code and the description.
await assert.rejects(issuer.Client.register({ redirect_uris: [refusedRedirect] }), (error) => {
  assert.ok(error instanceof errors.OPError, error);
  assert.equal(error.error, refusedCode);
  assert.match(error.error_description, refusedDescription);
  return true;
});

// An initial access token of one use: without it, with another one, with it, and once more.
const closed = await Issuer.discover(tokenIssuer);
const metadata = { client_name: 'openid-client-5 initial', redirect_uris: [redirectURI] };
await assert.rejects(closed.Client.register(metadata), invalidToken);
await assert.rejects(closed.Client.register(metadata, { initialAccessToken: 'another' }), invalidToken);
assert.ok((await closed.Client.register(metadata, { initialAccessToken })).client_id);
await assert.rejects(closed.Client.register(metadata, { initialAccessToken }), invalidToken);
