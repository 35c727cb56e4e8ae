-- secret_issued_at is when a later secret than the first was issued; NULL means at issued_at. Until retry_until, an
-- update that sends the former secret gets a new one. Both are NULL in the row of a client that has just registered.

-- +goose Up
ALTER TABLE clients ADD COLUMN secret_issued_at DATETIME(6) NULL, ADD COLUMN retry_until DATETIME(6) NULL;

-- +goose Down
-- loses clients.retry_until
-- loses clients.secret_issued_at
ALTER TABLE clients DROP COLUMN retry_until, DROP COLUMN secret_issued_at;
