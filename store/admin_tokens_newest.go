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
	Label     sql.Null[string] // unique; NULL in what a program of the version before wrote
	CreatedBy string
	ExpiresAt sql.Null[time.Time]
	UsedAt    sql.Null[time.Time]
}

func newAdminTokenColumns(t token.Admin) AdminTokenColumns {
	return AdminTokenColumns{Label: sql.Null[string]{V: t.Label, Valid: t.Label != ""}, CreatedBy: t.CreatedBy,
		ExpiresAt: optionalTime(t.ExpiresAt), UsedAt: optionalTime(t.UsedAt)}
}

// fill sets the fields of a token that the columns hold. The label of a token without one is its ID.
func (c *AdminTokenColumns) fill(t *token.Admin) {
	t.Label, t.CreatedBy = cmp.Or(c.Label.V, t.ID), c.CreatedBy
	t.ExpiresAt, t.UsedAt = timeOf(c.ExpiresAt), timeOf(c.UsedAt)
}
