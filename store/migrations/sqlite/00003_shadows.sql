-- +goose NO TRANSACTION

-- +goose Up
ALTER TABLE deployments ADD COLUMN created_by TEXT NOT NULL DEFAULT '';

CREATE TABLE server_keys (
    name       TEXT     NOT NULL PRIMARY KEY,
    bytes      BLOB     NOT NULL,
    created_at DATETIME NOT NULL
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

-- +goose Down
DROP TABLE shadow_differences;
DROP TABLE shadows;
DROP TABLE server_keys;
ALTER TABLE deployments DROP COLUMN created_by;
