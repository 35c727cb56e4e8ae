-- Every migration of SQLite is marked so: all that are applied at once share one transaction, which the program opens.
-- Text is compared byte for byte, which is SQLite's default. Times are text, UTC, always with six digits of a second.
-- +goose NO TRANSACTION

-- +goose Up
CREATE TABLE clients (
    client_id         TEXT     NOT NULL PRIMARY KEY,
    registration      BLOB     NOT NULL,
    issued_at         DATETIME NOT NULL,
    client_name       TEXT,
    metadata          TEXT     NOT NULL,
    caller            TEXT     NOT NULL,
    secret_hash       BLOB,
    secret_salt       BLOB,
    secret_expires_at DATETIME,
    deployment        INTEGER  NOT NULL,
    acts              TEXT     NOT NULL,
    writer            BLOB     NOT NULL,
    sequence          INTEGER  NOT NULL,
    previous          BLOB,
    event             TEXT     NOT NULL
);
CREATE UNIQUE INDEX clients_writer_sequence ON clients (writer, sequence);
CREATE INDEX clients_issued_at ON clients (issued_at);

CREATE TABLE modules (
    digest     TEXT     NOT NULL PRIMARY KEY,
    name       TEXT     NOT NULL,
    size       INTEGER  NOT NULL,
    steps      TEXT     NOT NULL,
    imports    TEXT     NOT NULL,
    memory_min INTEGER  NOT NULL,
    warnings   TEXT     NOT NULL,
    created_at DATETIME NOT NULL,
    wasm       BLOB     NOT NULL
);

CREATE TABLE deployments (
    number     INTEGER  NOT NULL PRIMARY KEY,
    scripts    TEXT     NOT NULL,
    comment    TEXT     NOT NULL,
    copy_of    INTEGER  NOT NULL,
    created_at DATETIME NOT NULL
);

CREATE TABLE admin_tokens (
    id         TEXT     NOT NULL PRIMARY KEY,
    hash       BLOB     NOT NULL UNIQUE,
    role       TEXT     NOT NULL,
    created_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE admin_tokens;
DROP TABLE deployments;
DROP TABLE modules;
DROP TABLE clients;
