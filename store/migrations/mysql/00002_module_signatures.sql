-- A module's minisign signature, as its .minisig file has it; NULL where it was uploaded without one.

-- +goose Up
ALTER TABLE modules ADD COLUMN signature MEDIUMTEXT NULL;

-- +goose Down
ALTER TABLE modules DROP COLUMN signature;
