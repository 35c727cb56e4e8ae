// oauth4webapi: RFC 8414 and OpenID Connect discovery, registration of a confidential client and of one with a key.
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { checkMetadata, consent, initialAccessToken, openIssuer, refusedCode, refusedDescription, refusedRedirect, remove, rename, tokenIssuer } from './registration.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };

async function discover(issuer, algorithm) {
  const response = await oauth.discoveryRequest(new URL(issuer), { algorithm, ...insecure });
  const as = await oauth.processDiscoveryResponse(new URL(issuer), response);
  checkMetadata(as, issuer);
  return as;
}

async function register(as, metadata, options) {
  const response = await oauth.dynamicClientRegistrationRequest(as, metadata, { ...insecure, ...options });
  return oauth.processDynamicClientRegistrationResponse(response);
}

const as = await discover(openIssuer, 'oauth2');
assert.deepEqual(await discover(openIssuer, 'oidc'), as);

// The code grant, with a secret and PKCE.
const redirectURI = 'https://app.example/cb';
const code = await register(as, { client_name: 'oauth4webapi', redirect_uris: [redirectURI] });
assert.equal(code.token_endpoint_auth_method, 'client_secret_basic');
assert.deepEqual(code.grant_types, ['authorization_code']);
assert.equal(code.client_secret_expires_at, 0);
await rename(code, 'oauth4webapi code');
const verifier = oauth.generateRandomCodeVerifier();
const authorization = new URL(as.authorization_endpoint);
authorization.search = new URLSearchParams({
  client_id: code.client_id, redirect_uri: redirectURI, response_type: 'code', state: 'here',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
});
const parameters = oauth.validateAuthResponse(as, code, await consent(authorization), 'here');
const exchange = await oauth.authorizationCodeGrantRequest(as, code, oauth.ClientSecretBasic(code.client_secret), parameters, redirectURI, verifier, insecure);
assert.ok((await oauth.processAuthorizationCodeResponse(as, code, exchange)).access_token);

// client_credentials, with a key of its own instead of a secret.
const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
const key = await register(as, {
  client_name: 'oauth4webapi key', grant_types: ['client_credentials'], token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [{ kty, crv, x, y, kid: 'a', alg: 'ES256', use: 'sig' }] },
});
assert.equal(key.client_secret, undefined);
assert.deepEqual(key.redirect_uris, []);
const grant = await oauth.clientCredentialsGrantRequest(as, key, oauth.PrivateKeyJwt({ key: privateKey, kid: 'a' }), {}, insecure);
assert.ok((await oauth.processClientCredentialsResponse(as, key, grant)).access_token);

await remove(await register(as, { client_name: 'oauth4webapi gone', redirect_uris: [redirectURI] }));

// A refusal is the library's error, with the code and the description.
await assert.rejects(register(as, { redirect_uris: [refusedRedirect] }), (error) => {
  assert.ok(error instanceof oauth.ResponseBodyError, error);
  assert.equal(error.status, 400);
  assert.equal(error.error, refusedCode);
  assert.match(error.error_description, refusedDescription);
  return true;
});

// An initial access token of one use: without it, with another one, with it, and once more.
const closed = await discover(tokenIssuer, 'oauth2');
const metadata = { client_name: 'oauth4webapi initial', redirect_uris: [redirectURI] };
async function challenged(options, expected) {
  await assert.rejects(register(closed, metadata, options), (error) => {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, error);
    assert.equal(error.status, 401);
    assert.equal(error.cause[0].scheme, 'bearer');
    assert.equal(error.cause[0].parameters.error, expected);
    assert.equal(error.cause[0].parameters.error_description, expected && 'the token is not known, or has expired or been used up');
    return true;
  });
}
await challenged({}, undefined);
await challenged({ initialAccessToken: 'another' }, 'invalid_token');
assert.ok((await register(closed, metadata, { initialAccessToken })).client_id);
await challenged({ initialAccessToken }, 'invalid_token');
