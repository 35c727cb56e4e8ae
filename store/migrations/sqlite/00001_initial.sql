-- Every migration of SQLite has this mark: all that are applied at once share one transaction, begun by the program.
-- Text is compared byte for byte, SQLite's default. Times are text in UTC, always with six digits of a second.
-- +goose NO TRANSACTION

-- +goose Up

-- least_program is the version of the oldest program that works with this schema. The table has one row.
CREATE TABLE schema_requirements (
    least_program INTEGER NOT NULL PRIMARY KEY
);
INSERT INTO schema_requirements (least_program) VALUES (1);

CREATE TABLE clients (
    client_id          TEXT     NOT NULL PRIMARY KEY,
    registration       BLOB     NOT NULL,
    issued_at          DATETIME NOT NULL,
    client_name        TEXT,
    metadata           TEXT     NOT NULL,
    caller             TEXT     NOT NULL,
    secret_hash        BLOB,
    secret_salt        BLOB,
    secret_expires_at  DATETIME,
    deployment         INTEGER  NOT NULL,
    acts               TEXT     NOT NULL,
    writer             BLOB     NOT NULL,
    sequence           INTEGER  NOT NULL,
    previous           BLOB,
    event              TEXT     NOT NULL,
    version            INTEGER  NOT NULL DEFAULT 0,
    token_hash         BLOB,
    former_hash        BLOB,
    former_salt        BLOB,
    former_expires_at  DATETIME,
    updated_at         DATETIME,
    updated_deployment INTEGER,
    updated_acts       TEXT,
    seen_at            DATETIME
);
CREATE UNIQUE INDEX clients_writer_sequence ON clients (writer, sequence);

-- signature is the content of the .minisig file; NULL if the module was uploaded without a signature.
CREATE TABLE modules (
    digest     TEXT     NOT NULL PRIMARY KEY,
    name       TEXT     NOT NULL,
    size       INTEGER  NOT NULL,
    steps      TEXT     NOT NULL,
    imports    TEXT     NOT NULL,
    memory_min INTEGER  NOT NULL,
    warnings   TEXT     NOT NULL,
    created_at DATETIME NOT NULL,
    wasm       BLOB     NOT NULL,
    signature  TEXT
);

CREATE TABLE deployments (
    number     INTEGER  NOT NULL PRIMARY KEY,
    scripts    TEXT     NOT NULL,
    comment    TEXT     NOT NULL,
    copy_of    INTEGER  NOT NULL,
    created_at DATETIME NOT NULL,
    created_by TEXT     NOT NULL DEFAULT ''
);

CREATE TABLE shadows (
    deployment INTEGER NOT NULL,
    script     TEXT    NOT NULL,
    module     TEXT    NOT NULL,
    same       INTEGER NOT NULL,
    changed    INTEGER NOT NULL,
    refused    INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    dropped    INTEGER NOT NULL,
    PRIMARY KEY (deployment, script)
);

CREATE TABLE shadow_differences (
    id         INTEGER  NOT NULL PRIMARY KEY AUTOINCREMENT,
    deployment INTEGER  NOT NULL,
    script     TEXT     NOT NULL,
    at         DATETIME NOT NULL,
    outcome    TEXT     NOT NULL,
    changes    TEXT     NOT NULL
);
CREATE INDEX shadow_differences_script ON shadow_differences (script, id);

CREATE TABLE initial_access_tokens (
    id         TEXT     NOT NULL PRIMARY KEY,
    hash       BLOB     NOT NULL UNIQUE,
    label      TEXT     NOT NULL,
    scopes     TEXT     NOT NULL,
    max_uses   INTEGER  NOT NULL,
    uses_left  INTEGER  NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME
);

CREATE TABLE admin_tokens (
    id         TEXT     NOT NULL PRIMARY KEY,
    hash       BLOB     NOT NULL UNIQUE,
    role       TEXT     NOT NULL,
    created_at DATETIME NOT NULL
);

CREATE TABLE server_keys (
    name       TEXT     NOT NULL PRIMARY KEY,
    bytes      BLOB     NOT NULL,
    created_at DATETIME NOT NULL
);

-- +goose Down
-- loses server_keys
-- loses admin_tokens
-- loses initial_access_tokens
-- loses shadow_differences
-- loses shadows
-- loses deployments
-- loses modules
-- loses clients
-- loses schema_requirements
DROP TABLE server_keys;
DROP TABLE admin_tokens;
DROP TABLE initial_access_tokens;
DROP TABLE shadow_differences;
DROP TABLE shadows;
DROP TABLE deployments;
DROP TABLE modules;
DROP TABLE clients;
DROP TABLE schema_requirements;
