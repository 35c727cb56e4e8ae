package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"registrar/engine"
)

// eventUpdated is what happened to a client that UpdateClient wrote.
const eventUpdated = "updated"

// updated are the columns that an update writes.
var updated = [...]string{"client_name", "metadata", "secret_hash", "secret_salt", "secret_expires_at", "former_hash", "former_salt", "former_expires_at",
	"token_hash", "version", "updated_at", "updated_deployment", "updated_acts", "writer", "sequence", "event"}

// UpdateClient stores c, durably, in one statement, in place of the client that it was made from: the one with its ID,
// RegistrationID and Version. The stored one has the next version. It returns [engine.ErrConflict] if that client is not
// there any more, and does nothing then. As with [Store.AddClient], ctx ends only the wait for a connection, and the
// outcome is known but where the database stays away. What MarkSeen notes is left alone.
func (s *Store) UpdateClient(ctx context.Context, c *engine.Client) error {
	row, err := s.newClientRow(ctx, c)
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, err)
	}
	row.Version++
	row.Event = eventUpdated
	err = s.insert(ctx,
		func(ctx context.Context) error {
			result := s.writer.WithContext(ctx).Model(&clientRow{}).Select(updated[:]).
				Where("client_id = ? AND registration = ? AND version = ?", c.ID, row.Registration, c.Version).Updates(row)
			if result.Error == nil && result.RowsAffected == 0 {
				return gorm.ErrDuplicatedKey // another write has the place
			}
			return result.Error
		},
		func(ctx context.Context) (bool, error) { return s.wrote(ctx, row, c.Version) })
	if errors.Is(err, errTaken) || errors.Is(err, gorm.ErrDuplicatedKey) {
		err = engine.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, classify(ctx, err))
	}
	return nil
}

// wrote reports whether row is what was written last. A client that still has the version before is told as a row that is
// not there: the write can be tried again.
func (s *Store) wrote(ctx context.Context, row *clientRow, before int64) (bool, error) {
	var is clientRow
	err := s.reader.WithContext(ctx).Select("registration", "version", "writer", "sequence").Where("client_id = ?", row.ClientID).Take(&is).Error
	if err == nil && bytes.Equal(is.Registration, row.Registration) && is.Version == before {
		err = gorm.ErrRecordNotFound
	}
	return bytes.Equal(is.Writer, row.Writer) && is.Sequence == row.Sequence, err
}

// ClientByToken returns the client with this ID, whose registration access token has this hash, or [engine.ErrNotFound].
func (s *Store) ClientByToken(ctx context.Context, id string, hash [sha256.Size]byte) (*engine.Client, error) {
	var row clientRow
	if err := s.reader.WithContext(ctx).Where("client_id = ? AND token_hash = ?", id, hash[:]).Take(&row).Error; err != nil {
		return nil, fmt.Errorf("reading a client by its token: %w", classifyRow(ctx, err, engine.ErrNotFound))
	}
	return s.client(ctx, &row)
}

// DeleteClientByToken removes the client with this ID, whose registration access token has this hash, or returns
// [engine.ErrNotFound]. It is as sure as [Store.DeleteClient].
func (s *Store) DeleteClientByToken(ctx context.Context, id string, hash [sha256.Size]byte) error {
	result := s.writer.WithContext(ctx).Where("client_id = ? AND token_hash = ?", id, hash[:]).Delete(&clientRow{})
	err := result.Error
	if err == nil && result.RowsAffected == 0 {
		err = engine.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("deleting client %s: %w", id, classify(ctx, err))
	}
	return nil
}

// MarkSeen notes that clients were in use at a time; one that was seen later stays so. IDs of no client are passed over.
func (s *Store) MarkSeen(ctx context.Context, ids []string, at time.Time) error {
	at, err := instant(at)
	if err != nil {
		return fmt.Errorf("marking clients as seen: %w", err)
	}
	// In one order, that two who mark the same clients do not wait for each other.
	ids = slices.Sorted(slices.Values(ids))
	err = s.transaction(ctx, func(tx *gorm.DB) error {
		for _, id := range slices.Compact(ids) {
			if err := tx.Model(&clientRow{}).Where("client_id = ? AND (seen_at IS NULL OR seen_at < ?)", id, at).UpdateColumn("seen_at", at).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("marking clients as seen: %w", classify(ctx, err))
	}
	return nil
}

// A secretColumns is a secret in the columns of a row.
type secretColumns struct {
	Hash      sql.Null[[]byte]
	Salt      sql.Null[[]byte]
	ExpiresAt sql.Null[time.Time]
}

func columnsOf(secret *engine.Secret) (c secretColumns) {
	if secret == nil {
		return c
	}
	c.Hash = sql.Null[[]byte]{V: secret.Hash[:], Valid: true}
	c.Salt = sql.Null[[]byte]{V: secret.Salt, Valid: secret.Salt != nil}
	c.ExpiresAt = optionalTime(secret.ExpiresAt)
	return c
}

func (c secretColumns) secret() (*engine.Secret, error) {
	if !c.Hash.Valid {
		return nil, nil
	}
	secret := &engine.Secret{}
	if copy(secret.Hash[:], c.Hash.V) != len(secret.Hash) {
		return nil, errors.New("the hash of its secret is too short")
	}
	if c.Salt.Valid {
		secret.Salt = c.Salt.V
	}
	if c.ExpiresAt.Valid {
		secret.ExpiresAt = c.ExpiresAt.V.UTC()
	}
	return secret, nil
}

// optionalTime returns NULL for the zero time.
func optionalTime(t time.Time) sql.Null[time.Time] {
	return sql.Null[time.Time]{V: t.UTC().Truncate(time.Microsecond), Valid: !t.IsZero()}
}

// setManagement fills the columns of a client's management.
func (s *Store) setManagement(ctx context.Context, r *clientRow, c *engine.Client) error {
	r.Version = c.Version
	former := columnsOf(c.PreviousSecret)
	r.FormerHash, r.FormerSalt, r.FormerExpiresAt = former.Hash, former.Salt, former.ExpiresAt
	if c.TokenHash != nil {
		r.TokenHash = sql.Null[[]byte]{V: c.TokenHash[:], Valid: true}
	}
	r.SeenAt = optionalTime(c.SeenAt)
	if c.Updated == nil {
		return nil
	}
	acts, err := s.actsText(ctx, c.Updated.Deployment, c.Updated.Acts)
	r.UpdatedAt = optionalTime(c.Updated.At)
	r.UpdatedDeployment = sql.Null[int64]{V: c.Updated.Deployment, Valid: true}
	r.UpdatedActs = sql.Null[string]{V: acts, Valid: true}
	return err
}

// management reads those columns.
func (s *Store) management(ctx context.Context, r *clientRow, c *engine.Client) (err error) {
	c.Version = r.Version
	if c.PreviousSecret, err = (secretColumns{r.FormerHash, r.FormerSalt, r.FormerExpiresAt}).secret(); err != nil {
		return err
	}
	if r.TokenHash.Valid {
		if len(r.TokenHash.V) != sha256.Size {
			return errors.New("the hash of its token is too short")
		}
		c.TokenHash = (*[sha256.Size]byte)(r.TokenHash.V)
	}
	if r.SeenAt.Valid {
		c.SeenAt = r.SeenAt.V.UTC()
	}
	if !r.UpdatedActs.Valid {
		return nil
	}
	c.Updated = &engine.Update{At: r.UpdatedAt.V.UTC(), Provenance: engine.Provenance{Deployment: r.UpdatedDeployment.V}}
	c.Updated.Acts, err = s.acts(ctx, c.Updated.Deployment, r.UpdatedActs.V)
	return err
}
