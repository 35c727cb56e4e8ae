// @modelcontextprotocol/client, the successor of the SDK's client.
import assert from 'node:assert/strict';
import * as sdk from '@modelcontextprotocol/client';
import { run } from './mcp.mjs';
import { refusedCode, refusedDescription } from './registration.mjs';

function rejected(error, status) {
  assert.ok(error instanceof sdk.RegistrationRejectedError, error);
  assert.equal(error.status, status);
  return JSON.parse(error.body);
}

await run(sdk, 'mcp-client', {
  refused(error) {
    const { error: code, error_description } = rejected(error, 400);
    assert.equal(code, refusedCode);
    assert.match(error_description, refusedDescription);
    return true;
  },
  unauthorized(error) {
    assert.equal(rejected(error, 401).error, 'invalid_token');
    return true;
  },
});
