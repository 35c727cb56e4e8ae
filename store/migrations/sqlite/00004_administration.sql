-- In admin_tokens the column role, which was there, holds the roles between spaces, and the word expires if expires_at is
-- set: without that column, such a token has no role, so that going down and up again does not make it valid for ever.
-- A program of version 3 gives every right to each token whose SHA-256 is in hash; so tokens with fewer roles, or that
-- expire, have another hash there, which such a program never finds.
--
-- label is unique, so that the log names one administrator by it. A program of version 3 leaves it NULL, of which there
-- may be several; then the ID counts as the label.
--
-- In clients, status is 'disabled', or NULL for an active client. admin_acts is a JSON list of what administrators did
-- to the client; NULL means nothing. Both are NULL in the row of a client that has registered itself.
-- +goose NO TRANSACTION

-- +goose Up
ALTER TABLE admin_tokens ADD COLUMN label TEXT;
ALTER TABLE admin_tokens ADD COLUMN created_by TEXT NOT NULL DEFAULT '';
ALTER TABLE admin_tokens ADD COLUMN expires_at DATETIME;
ALTER TABLE admin_tokens ADD COLUMN used_at DATETIME;
-- RTRIM ignores spaces at the end, as MySQL does.
CREATE UNIQUE INDEX admin_tokens_label ON admin_tokens (label COLLATE RTRIM);
ALTER TABLE clients ADD COLUMN status TEXT;
ALTER TABLE clients ADD COLUMN admin_acts TEXT;

-- +goose Down
-- loses clients.admin_acts
-- loses clients.status
-- loses admin_tokens.used_at
-- loses admin_tokens.expires_at
-- loses admin_tokens.created_by
-- loses admin_tokens.label
ALTER TABLE clients DROP COLUMN admin_acts;
ALTER TABLE clients DROP COLUMN status;
DROP INDEX admin_tokens_label;
ALTER TABLE admin_tokens DROP COLUMN used_at;
ALTER TABLE admin_tokens DROP COLUMN expires_at;
ALTER TABLE admin_tokens DROP COLUMN created_by;
ALTER TABLE admin_tokens DROP COLUMN label;
