// @modelcontextprotocol/sdk. It knows no invalid_redirect_uri: what a user sees of it is the description alone.
import assert from 'node:assert/strict';
import { discoverAuthorizationServerMetadata, registerClient, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InvalidTokenError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { run } from './mcp.mjs';
import { refusedDescription } from './registration.mjs';

await run({ Client, StreamableHTTPClientTransport, UnauthorizedError, discoverAuthorizationServerMetadata, registerClient }, 'mcp-sdk', {
  refused(error) {
    assert.ok(error instanceof ServerError, error);
    assert.match(error.message, refusedDescription);
    return true;
  },
  unauthorized: InvalidTokenError,
});
