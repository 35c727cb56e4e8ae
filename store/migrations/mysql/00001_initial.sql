-- Keys are VARBINARY: compared byte for byte, trailing spaces included. JSON documents are text, never the JSON type,
-- which would reorder their members. The order of columns and the collation do not depend on the database's defaults.

-- +goose Up
CREATE TABLE clients (
    client_id         VARBINARY(255) NOT NULL,
    registration      BINARY(16)     NOT NULL,
    issued_at         DATETIME(6)    NOT NULL,
    client_name       MEDIUMTEXT     NULL,
    metadata          MEDIUMTEXT     NOT NULL,
    caller            MEDIUMTEXT     NOT NULL,
    secret_hash       VARBINARY(32)  NULL,
    secret_salt       VARBINARY(16)  NULL,
    secret_expires_at DATETIME(6)    NULL,
    deployment        BIGINT         NOT NULL,
    acts              MEDIUMTEXT     NOT NULL,
    writer            BINARY(16)     NOT NULL,
    sequence          BIGINT         NOT NULL,
    previous          VARBINARY(32)  NULL,
    event             VARCHAR(32)    NOT NULL,
    PRIMARY KEY (client_id),
    UNIQUE KEY clients_writer_sequence (writer, sequence),
    KEY clients_issued_at (issued_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
    PRIMARY KEY (digest)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE deployments (
    number     BIGINT      NOT NULL,
    scripts    MEDIUMTEXT  NOT NULL,
    comment    MEDIUMTEXT  NOT NULL,
    copy_of    BIGINT      NOT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (number)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE admin_tokens (
    id         VARBINARY(64) NOT NULL,
    hash       VARBINARY(32) NOT NULL,
    role       VARCHAR(64)   NOT NULL,
    created_at DATETIME(6)   NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY admin_tokens_hash (hash)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE admin_tokens;
DROP TABLE deployments;
DROP TABLE modules;
DROP TABLE clients;
