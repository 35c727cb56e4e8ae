-- +goose NO TRANSACTION

-- +goose Up
ALTER TABLE clients ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN token_hash BLOB;
ALTER TABLE clients ADD COLUMN former_hash BLOB;
ALTER TABLE clients ADD COLUMN former_salt BLOB;
ALTER TABLE clients ADD COLUMN former_expires_at DATETIME;
ALTER TABLE clients ADD COLUMN updated_at DATETIME;
ALTER TABLE clients ADD COLUMN updated_deployment INTEGER;
ALTER TABLE clients ADD COLUMN updated_acts TEXT;
ALTER TABLE clients ADD COLUMN seen_at DATETIME;
CREATE UNIQUE INDEX clients_token_hash ON clients (token_hash);

-- +goose Down
DROP INDEX clients_token_hash;
ALTER TABLE clients DROP COLUMN version;
ALTER TABLE clients DROP COLUMN token_hash;
ALTER TABLE clients DROP COLUMN former_hash;
ALTER TABLE clients DROP COLUMN former_salt;
ALTER TABLE clients DROP COLUMN former_expires_at;
ALTER TABLE clients DROP COLUMN updated_at;
ALTER TABLE clients DROP COLUMN updated_deployment;
ALTER TABLE clients DROP COLUMN updated_acts;
ALTER TABLE clients DROP COLUMN seen_at;
