package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"registrar/engine"
	"registrar/internal/token"
)

type adminTokenRow struct {
	ID        string `gorm:"primaryKey"`
	Hash      []byte
	Role      string           // see [token.EncodeRoles]
	CreatedAt time.Time        `gorm:"autoCreateTime:false"`
	Label     sql.Null[string] // unique; NULL in a row of a program before version 4
	CreatedBy string
	ExpiresAt sql.Null[time.Time]
	UsedAt    sql.Null[time.Time]
}

func (adminTokenRow) TableName() string { return "admin_tokens" }

const (
	maxTokenID     = 64   // bytes
	maxAdminTokens = 1000 // in the database
)

// AddAdminToken stores t durably and returns true. If another token has t.ID, it changes nothing and returns false. If
// several processes add tokens with the same ID, exactly one of them gets true. It returns [token.ErrLabel] if another
// token has the label, to all but one of several calls at once, and [token.ErrTooMany] if there are 1,000. As with
// [Store.AddClient], ctx ends only the wait for a connection.
func (s *Store) AddAdminToken(ctx context.Context, t token.Admin) (added bool, err error) {
	if len(t.ID) < 1 || len(t.ID) > maxTokenID {
		return false, fmt.Errorf("storing admin token %s: its ID has %d bytes: it must have 1 to %d",
			t.ID, len(t.ID), maxTokenID)
	}
	row := &adminTokenRow{ID: t.ID, Hash: t.Hash[:], Role: encodeRoles(t),
		Label: sql.Null[string]{V: t.Label, Valid: t.Label != ""}, CreatedBy: t.CreatedBy,
		ExpiresAt: optionalTime(t.ExpiresAt), UsedAt: optionalTime(t.UsedAt)}
	if row.CreatedAt, err = instant(t.CreatedAt); err != nil {
		return false, fmt.Errorf("storing admin token %s: %w", t.ID, err)
	}
	create := func(ctx context.Context) error {
		return s.transaction(ctx, func(tx *gorm.DB) error {
			if err := checkAdminToken(tx, t); err != nil {
				return err
			}
			return tx.Create(row).Error
		})
	}
	isOurs := func(ctx context.Context) (bool, error) {
		var found adminTokenRow
		err := s.reader.WithContext(ctx).Select("hash").Where("id = ?", t.ID).Take(&found).Error
		return bytes.Equal(found.Hash, t.Hash[:]), err
	}
	err = s.insert(ctx, &insertion{create: create, isOurs: isOurs})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, errTaken):
		return false, nil
	}
	return false, fmt.Errorf("storing admin token %s: %w", t.ID, classify(ctx, err))
}

// checkAdminToken returns an error if a token must not be added. It sees no label that another transaction is adding,
// which the unique index refuses; then it is called again, and sees it.
func checkAdminToken(tx *gorm.DB, t token.Admin) error {
	var others []*adminTokenRow
	if err := tx.Select("id", "label").Find(&others).Error; err != nil {
		return err
	}
	if len(others) >= maxAdminTokens {
		return token.ErrTooMany
	}
	for _, r := range others {
		if other := r.admin(); sameLabel(other.Label, t.Label) && other.ID != t.ID {
			return token.ErrLabel
		}
	}
	return nil
}

// sameLabel compares labels as the unique index does, without spaces at the end.
func sameLabel(a, b string) bool { return strings.TrimRight(a, " ") == strings.TrimRight(b, " ") }

// AdminTokens returns all admin tokens, oldest first.
func (s *Store) AdminTokens(ctx context.Context) ([]token.Admin, error) {
	var rows []*adminTokenRow
	if err := s.reader.WithContext(ctx).Order("created_at, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("listing admin tokens: %w", classify(ctx, err))
	}
	tokens := make([]token.Admin, 0, len(rows))
	for _, r := range rows {
		if len(r.Hash) != sha256.Size {
			return nil, fmt.Errorf("admin token %s: its hash has %d bytes", r.ID, len(r.Hash))
		}
		t := r.admin()
		t.Hash = [sha256.Size]byte(r.Hash)
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// expires is the word among the roles of a token that expires.
const expires = "expires"

// encodeRoles returns the column role of a token.
func encodeRoles(t token.Admin) string {
	text := token.EncodeRoles(t.Roles)
	if !t.ExpiresAt.IsZero() {
		text = strings.TrimSpace(text + " " + expires)
	}
	return text
}

// admin returns the token of a row, without its hash. If its expiry was lost when the schema was migrated down, it has
// no role.
func (r *adminTokenRow) admin() token.Admin {
	t := token.Admin{ID: r.ID, CreatedAt: r.CreatedAt.UTC(), Label: cmp.Or(r.Label.V, r.ID), CreatedBy: r.CreatedBy,
		ExpiresAt: timeOf(r.ExpiresAt), UsedAt: timeOf(r.UsedAt)}
	if words := strings.Fields(r.Role); !t.ExpiresAt.IsZero() || !slices.Contains(words, expires) {
		t.Roles = token.DecodeRoles(r.Role)
	}
	return t
}

// DeleteAdminToken removes the token with the given ID, or returns [engine.ErrNotFound]. If ctx ends or the connection
// breaks, the token may have been removed, and the error matches [engine.ErrOutcomeUnknown].
func (s *Store) DeleteAdminToken(ctx context.Context, id string) error {
	return s.deleteAdminToken(ctx, id, func([]token.Admin) bool { return true })
}

// DeleteAdminTokenButLast is [Store.DeleteAdminToken], but returns [token.ErrLast] and removes nothing if this token
// has the role admin and no other one has it at now. Of two calls that remove the last two such tokens at once, one
// fails. Calls at different nodes of a cluster may both succeed.
func (s *Store) DeleteAdminTokenButLast(ctx context.Context, id string, now time.Time) error {
	isAdmin := func(t token.Admin) bool { return slices.Contains(t.Roles, token.RoleAdmin) && !t.Expired(now) }
	return s.deleteAdminToken(ctx, id, func(all []token.Admin) bool {
		last := slices.ContainsFunc(all, func(t token.Admin) bool { return t.ID == id && isAdmin(t) })
		return !last || slices.ContainsFunc(all, func(t token.Admin) bool { return t.ID != id && isAdmin(t) })
	})
}

func (s *Store) deleteAdminToken(ctx context.Context, id string, may func(all []token.Admin) bool) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		var rows []*adminTokenRow
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Order("id").Find(&rows).Error
		if err != nil {
			return err
		}
		all := make([]token.Admin, len(rows))
		for i, r := range rows {
			all[i] = r.admin()
		}
		if !slices.ContainsFunc(all, func(t token.Admin) bool { return t.ID == id }) {
			return engine.ErrNotFound
		}
		if !may(all) {
			return token.ErrLast
		}
		return tx.Where("id = ?", id).Delete(&adminTokenRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("revoking admin token %s: %w", id, classifyWrite(ctx, err))
	}
	return nil
}

// UseAdminToken notes durably that a token was used at a time, unless a use less than every before that or a later one
// is noted. It ignores an unknown ID.
func (s *Store) UseAdminToken(ctx context.Context, id string, at time.Time, every time.Duration) error {
	at = at.UTC().Truncate(time.Microsecond)
	err := s.writer.WithContext(ctx).Model(&adminTokenRow{}).
		Where("id = ? AND (used_at IS NULL OR used_at <= ?)", id, at.Add(-every)).
		Update("used_at", at).Error
	if err != nil {
		return fmt.Errorf("noting the use of admin token %s: %w", id, classify(ctx, err))
	}
	return nil
}
