//go:build previousschema

package store

import "registrar/internal/token"

// AdminTokenColumns are the columns that the newest migration brought: none in a program of the version before.
type AdminTokenColumns struct{}

func newAdminTokenColumns(token.Admin) AdminTokenColumns { return AdminTokenColumns{} }

func (*AdminTokenColumns) fill(t *token.Admin) { t.Label = t.ID }
