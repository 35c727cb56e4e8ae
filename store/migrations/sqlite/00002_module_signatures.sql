-- A module's minisign signature, as its .minisig file has it; NULL where it was uploaded without one.
-- +goose NO TRANSACTION

-- +goose Up
ALTER TABLE modules ADD COLUMN signature TEXT;

-- +goose Down
ALTER TABLE modules DROP COLUMN signature;
