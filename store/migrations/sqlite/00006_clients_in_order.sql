-- The order in which clients were stored tells which are the latest, and a token is presented with the client's ID.
-- +goose NO TRANSACTION

-- +goose Up
DROP INDEX clients_token_hash;
DROP INDEX clients_issued_at;

-- +goose Down
CREATE UNIQUE INDEX clients_token_hash ON clients (token_hash);
CREATE INDEX clients_issued_at ON clients (issued_at);
