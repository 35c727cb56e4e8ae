//go:build !previousschema

package store

import (
	"cmp"
	"database/sql"
	"time"

	"registrar/internal/token"
)

// AdminTokenColumns are the columns that the newest migration brought. The name is exported for GORM only.
type AdminTokenColumns struct {
	Label     string
	CreatedBy string
	ExpiresAt sql.Null[time.Time]
	UsedAt    sql.Null[time.Time]
}

func newAdminTokenColumns(t token.Admin) AdminTokenColumns {
	return AdminTokenColumns{Label: t.Label, CreatedBy: t.CreatedBy, ExpiresAt: optionalTime(t.ExpiresAt),
		UsedAt: optionalTime(t.UsedAt)}
}

// fill sets the fields of a token that the columns hold. A program of the version before writes no label.
func (c *AdminTokenColumns) fill(t *token.Admin) {
	t.Label, t.CreatedBy = cmp.Or(c.Label, t.ID), c.CreatedBy
	t.ExpiresAt, t.UsedAt = timeOf(c.ExpiresAt), timeOf(c.UsedAt)
}
