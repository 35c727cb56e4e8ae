-- Keys are VARBINARY: compared byte for byte, trailing spaces included. JSON documents are text, never the JSON type,
-- which would reorder their members. The order of columns and the collation do not depend on the database's defaults.

-- +goose Up

-- least_program is the version of the oldest program that works with this schema. The table has one row.
CREATE TABLE schema_requirements (
    least_program BIGINT NOT NULL,
    PRIMARY KEY (least_program)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO schema_requirements (least_program) VALUES (1);

-- Clients are stored in the order of their insertion, not of their IDs: inserts then write to the last page, not to any
-- page of a table that may not fit into memory. In SQLite every table has such an order, and a column rowid.
--
-- A client ID may become as long as a URL, 2,048 bytes. InnoDB allows index keys of up to 3,072 bytes, with pages of
-- 16 KiB, the default, and DYNAMIC rows.
CREATE TABLE clients (
    rowid              BIGINT          NOT NULL AUTO_INCREMENT,
    client_id          VARBINARY(2048) NOT NULL,
    registration       BINARY(16)      NOT NULL,
    issued_at          DATETIME(6)     NOT NULL,
    client_name        MEDIUMTEXT      NULL,
    metadata           MEDIUMTEXT      NOT NULL,
    caller             MEDIUMTEXT      NOT NULL,
    secret_hash        VARBINARY(32)   NULL,
    secret_salt        VARBINARY(16)   NULL,
    secret_expires_at  DATETIME(6)     NULL,
    deployment         BIGINT          NOT NULL,
    acts               MEDIUMTEXT      NOT NULL,
    writer             BINARY(16)      NOT NULL,
    sequence           BIGINT          NOT NULL,
    previous           VARBINARY(32)   NULL,
    event              VARCHAR(32)     NOT NULL,
    version            BIGINT          NOT NULL DEFAULT 0,
    token_hash         VARBINARY(32)   NULL,
    former_hash        VARBINARY(32)   NULL,
    former_salt        VARBINARY(16)   NULL,
    former_expires_at  DATETIME(6)     NULL,
    updated_at         DATETIME(6)     NULL,
    updated_deployment BIGINT          NULL,
    updated_acts       MEDIUMTEXT      NULL,
    seen_at            DATETIME(6)     NULL,
    PRIMARY KEY (rowid),
    UNIQUE KEY clients_client_id (client_id),
    UNIQUE KEY clients_writer_sequence (writer, sequence)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- signature is the content of the .minisig file; NULL if the module was uploaded without a signature.
CREATE TABLE modules (
    digest     VARBINARY(71) NOT NULL,
    name       VARCHAR(255)  NOT NULL,
    size       BIGINT        NOT NULL,
    steps      MEDIUMTEXT    NOT NULL,
    imports    MEDIUMTEXT    NOT NULL,
    memory_min BIGINT        NOT NULL,
    warnings   MEDIUMTEXT    NOT NULL,
    created_at DATETIME(6)   NOT NULL,
    wasm       LONGBLOB      NOT NULL,
    signature  MEDIUMTEXT    NULL,
    PRIMARY KEY (digest)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE deployments (
    number     BIGINT       NOT NULL,
    scripts    MEDIUMTEXT   NOT NULL,
    comment    MEDIUMTEXT   NOT NULL,
    copy_of    BIGINT       NOT NULL,
    created_at DATETIME(6)  NOT NULL,
    created_by VARCHAR(255) NOT NULL DEFAULT '',
    PRIMARY KEY (number)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE shadows (
    deployment BIGINT        NOT NULL,
    script     VARBINARY(64) NOT NULL,
    module     VARBINARY(71) NOT NULL,
    same       BIGINT        NOT NULL,
    changed    BIGINT        NOT NULL,
    refused    BIGINT        NOT NULL,
    failed     BIGINT        NOT NULL,
    dropped    BIGINT        NOT NULL,
    PRIMARY KEY (deployment, script)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE shadow_differences (
    id         BIGINT        NOT NULL AUTO_INCREMENT,
    deployment BIGINT        NOT NULL,
    script     VARBINARY(64) NOT NULL,
    at         DATETIME(6)   NOT NULL,
    outcome    VARCHAR(32)   NOT NULL,
    changes    MEDIUMTEXT    NOT NULL,
    PRIMARY KEY (id),
    KEY shadow_differences_script (script, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE initial_access_tokens (
    id         VARBINARY(64) NOT NULL,
    hash       VARBINARY(32) NOT NULL,
    label      VARCHAR(255)  NOT NULL,
    scopes     MEDIUMTEXT    NOT NULL,
    max_uses   BIGINT        NOT NULL,
    uses_left  BIGINT        NOT NULL,
    created_at DATETIME(6)   NOT NULL,
    expires_at DATETIME(6)   NULL,
    PRIMARY KEY (id),
    UNIQUE KEY initial_access_tokens_hash (hash)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE admin_tokens (
    id         VARBINARY(64) NOT NULL,
    hash       VARBINARY(32) NOT NULL,
    role       VARCHAR(64)   NOT NULL,
    created_at DATETIME(6)   NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY admin_tokens_hash (hash)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE server_keys (
    name       VARBINARY(64) NOT NULL,
    bytes      VARBINARY(32) NOT NULL,
    created_at DATETIME(6)   NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
