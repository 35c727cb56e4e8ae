package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"registrar/engine"
)

// updatedColumns are the columns that an update writes.
var updatedColumns = []string{"client_name", "metadata", "secret_hash", "secret_salt", "secret_expires_at",
	"secret_issued_at", "former_hash", "former_salt", "former_expires_at", "retry_until", "token_hash", "version",
	"updated_at", "updated_deployment", "updated_acts", "writer", "sequence", "event",
	"status", "admin_acts"}

// UpdateClient durably replaces the stored client that has c's ID, RegistrationID and Version, and gives it the next
// version. It returns [engine.ErrConflict] if there is no such client, because another update or a deletion came first.
// It does not change IssuedAt, Caller, Provenance and SeenAt. UpdateClient returns by the deadline of ctx; cancelling
// ctx ends only the wait for a connection. If the database does not answer, or stays unreachable, the update may have
// taken effect, and the error matches [engine.ErrOutcomeUnknown].
func (s *Store) UpdateClient(ctx context.Context, c *engine.Client) error {
	if c.MetadataDocument != nil {
		return s.UpdateDocument(ctx, c, nil)
	}
	row, err := s.newClientRow(ctx, c)
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, err)
	}
	row.Version++
	row.Event = eventUpdated
	update := func(ctx context.Context) error {
		result := s.writer.WithContext(ctx).Model(&clientRow{}).Select(updatedColumns).
			Where("client_id = ? AND registration = ? AND version = ?", c.ID, row.Registration, c.Version).Updates(row)
		if result.Error == nil && result.RowsAffected == 0 {
			return gorm.ErrDuplicatedKey // as if the next version were a key that another write has taken
		}
		return result.Error
	}
	isOurs := func(ctx context.Context) (bool, error) { return s.isLatest(ctx, row, c.Version) }
	err = s.insert(ctx, &insertion{create: update, isOurs: isOurs})
	if errors.Is(err, errTaken) || errors.Is(err, gorm.ErrDuplicatedKey) {
		err = engine.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, classifyWrite(ctx, err))
	}
	return nil
}

// isLatest reports whether row was written last. It returns [gorm.ErrRecordNotFound] if the client still has the
// version before, so that the write is tried again.
func (s *Store) isLatest(ctx context.Context, row *clientRow, before int64) (bool, error) {
	var found clientRow
	err := s.reader.WithContext(ctx).Select("registration", "version", "writer", "sequence").
		Where("client_id = ?", row.ClientID).Take(&found).Error
	if err == nil && bytes.Equal(found.Registration, row.Registration) && found.Version == before {
		err = gorm.ErrRecordNotFound
	}
	return bytes.Equal(found.Writer, row.Writer) && found.Sequence == row.Sequence, err
}

// ClientByToken returns the client with the given ID and hash of its registration access token, or
// [engine.ErrNotFound].
func (s *Store) ClientByToken(ctx context.Context, id string, hash [sha256.Size]byte) (*engine.Client, error) {
	c, err := s.lookUpClient(ctx, clientByToken, id, hash[:])
	if err != nil {
		return nil, fmt.Errorf("reading a client by its token: %w", err)
	}
	return c, nil
}

// DeleteClientByToken removes the active client with the given ID and hash of its registration access token, or returns
// [engine.ErrNotFound]. Other errors are as for [Store.DeleteClient].
func (s *Store) DeleteClientByToken(ctx context.Context, id string, hash [sha256.Size]byte) error {
	result := s.writer.WithContext(ctx).Where("client_id = ? AND token_hash = ?"+isActive, id, hash[:]).
		Delete(&clientRow{})
	err := result.Error
	if err == nil && result.RowsAffected == 0 {
		err = engine.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("deleting client %s: %w", id, classifyWrite(ctx, err))
	}
	return nil
}

// markedAtOnce bounds the clients that one statement of MarkSeen or UseDocuments marks.
const markedAtOnce = 500

// isActive continues a condition on clients so that it holds only for those that are active.
const isActive = " AND status IS NULL"

// MarkSeen sets SeenAt of clients to a time, unless it is later already. It ignores IDs that no active client has.
func (s *Store) MarkSeen(ctx context.Context, ids []string, at time.Time) error {
	urls := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !isDocument(id) })
	ids = slices.DeleteFunc(slices.Clone(ids), isDocument)
	err := s.noteTime(ctx, &clientRow{}, "seen_at", isActive, ids, at)
	if err == nil {
		err = s.noteTime(ctx, &documentRow{}, "seen_at", isActive, urls, at)
	}
	if err != nil {
		return fmt.Errorf("marking clients as seen: %w", classifyWrite(ctx, err))
	}
	return nil
}

// noteTime sets a column of the rows of clients in a table to a time, unless it is later already. table is a row type;
// only continues the condition on its rows.
func (s *Store) noteTime(ctx context.Context, table any, column, only string, ids []string, at time.Time) error {
	at, err := instant(at)
	if err != nil || len(ids) == 0 {
		return err
	}
	// All callers lock clients in the same order, to avoid deadlocks.
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	condition := "client_id IN ? AND (" + column + " IS NULL OR " + column + " < ?)" + only
	return s.transaction(ctx, func(tx *gorm.DB) error {
		for some := range slices.Chunk(ids, markedAtOnce) {
			if err := tx.Model(table).Where(condition, some, at).UpdateColumn(column, at).Error; err != nil {
				return err
			}
		}
		return nil
	})
}
