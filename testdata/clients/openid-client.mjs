// openid-client: discovery and registration in one call, which returns what speaks to the authorization server.
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { checkMetadata, consent, initialAccessToken, openIssuer, refusedCode, refusedDescription, refusedRedirect, remove, rename, tokenIssuer } from './registration.mjs';

const insecure = { execute: [client.allowInsecureRequests] };

function register(issuer, metadata, options, authentication) {
  return client.dynamicClientRegistration(new URL(issuer), metadata, authentication, { ...insecure, ...options });
}

// The code grant of a client without a secret: the library discovers as OpenID Connect says.
const redirectURI = 'http://127.0.0.1:5555/callback';
const code = await register(openIssuer, {
  client_name: 'openid-client', redirect_uris: [redirectURI], token_endpoint_auth_method: 'none', scope: 'read',
}, {}, client.None());
checkMetadata(code.serverMetadata(), openIssuer);
const registered = code.clientMetadata();
assert.equal(registered.client_secret, undefined);
assert.equal(registered.scope, 'read');
await rename(registered, 'openid-client code');
const pkceCodeVerifier = client.randomPKCECodeVerifier();
const callback = await consent(client.buildAuthorizationUrl(code, {
  redirect_uri: redirectURI, state: 'here',
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
}));
assert.ok((await client.authorizationCodeGrant(code, callback, { pkceCodeVerifier, expectedState: 'here' })).access_token);

// A secret, by the method that the library takes unless told otherwise, over RFC 8414's discovery.
const secret = await register(openIssuer, {
  client_name: 'openid-client secret', grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post',
}, { algorithm: 'oauth2' });
assert.equal(secret.clientMetadata().client_secret_expires_at, 0);
assert.ok((await client.clientCredentialsGrant(secret)).access_token);

await remove((await register(openIssuer, { client_name: 'openid-client gone', redirect_uris: [redirectURI] })).clientMetadata());

// A refusal is the library's error, with the code and the description.
await assert.rejects(register(openIssuer, { redirect_uris: [refusedRedirect] }), (error) => {
  assert.ok(error instanceof client.ResponseBodyError, error);
  assert.equal(error.status, 400);
  assert.equal(error.error, refusedCode);
  assert.match(error.error_description, refusedDescription);
  return true;
});

// An initial access token of one use: without it, with another one, with it, and once more.
const metadata = { client_name: 'openid-client initial', redirect_uris: [redirectURI] };
async function challenged(options, expected) {
  await assert.rejects(register(tokenIssuer, metadata, options), (error) => {
    assert.ok(error instanceof client.WWWAuthenticateChallengeError, error);
    assert.equal(error.status, 401);
    assert.equal(error.cause[0].scheme, 'bearer');
    assert.equal(error.cause[0].parameters.error, expected);
    assert.equal(error.cause[0].parameters.error_description, expected && 'the token is not known, or has expired or been used up');
    return true;
  });
}
await challenged({}, undefined);
await challenged({ initialAccessToken: 'another' }, 'invalid_token');
assert.ok((await register(tokenIssuer, metadata, { initialAccessToken })).clientMetadata().client_id);
await challenged({ initialAccessToken }, 'invalid_token');
