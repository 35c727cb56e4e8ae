-- +goose Up
ALTER TABLE deployments ADD COLUMN created_by VARCHAR(255) NOT NULL DEFAULT '';

CREATE TABLE server_keys (
    name       VARBINARY(64) NOT NULL,
    bytes      VARBINARY(32) NOT NULL,
    created_at DATETIME(6)   NOT NULL,
    PRIMARY KEY (name)
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

-- +goose Down
DROP TABLE shadow_differences;
DROP TABLE shadows;
DROP TABLE server_keys;
ALTER TABLE deployments DROP COLUMN created_by;
