-- Clients lie in the order in which they were stored, whatever their IDs: a page that is written to is the last one, not one
-- anywhere in a table that may not fit into memory. Those that are there already are put in the order of their IDs. The
-- indexes on the time and on the token go: the order tells which clients are the latest, and a token is presented with the
-- client's ID. In SQLite a table has such an order, and such a column, by itself.

-- +goose Up
ALTER TABLE clients
    DROP PRIMARY KEY,
    ADD COLUMN rowid BIGINT NOT NULL AUTO_INCREMENT FIRST,
    ADD PRIMARY KEY (rowid),
    ADD UNIQUE KEY clients_client_id (client_id),
    DROP KEY clients_token_hash,
    DROP KEY clients_issued_at;

-- +goose Down
ALTER TABLE clients
    DROP COLUMN rowid,
    DROP KEY clients_client_id,
    ADD PRIMARY KEY (client_id),
    ADD UNIQUE KEY clients_token_hash (token_hash),
    ADD KEY clients_issued_at (issued_at);
