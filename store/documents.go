package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"registrar/engine"
)

// A client whose ID is a URL is in the table documents, every other one in clients. So registrations and the look-up of
// registered clients cost the same with and without documents.

// isDocument reports whether a client ID is looked for in documents.
func isDocument(id string) bool { return keepsDocuments && engine.IsDocumentURL(id) }

// documentByID finds one client.
const documentByID = "SELECT " + documentColumns + " FROM documents WHERE client_id = ?"

// document returns the client with the given URL, without the text of its document, or [engine.ErrNotFound].
func (s *Store) document(ctx context.Context, url string) (*engine.Client, error) {
	var row documentRow
	if err := s.lookUp(ctx, documentByID, []any{url}, row.fields()); err != nil {
		return nil, fmt.Errorf("reading client %s: %w", url, err)
	}
	return s.documentClient(ctx, &row)
}

// DocumentText returns the metadata document of a client as it was when c was read, or [engine.ErrConflict] if the
// client has changed since; nil if none is kept.
func (s *Store) DocumentText(ctx context.Context, c *engine.Client) ([]byte, error) {
	row, err := s.documentPart(ctx, c, "document")
	return row.Document.V, err
}

// DocumentChanges returns the last changes of a client's metadata document, the oldest first, at most
// [engine.MaxDocumentChanges]. Errors are those of [Store.DocumentText].
func (s *Store) DocumentChanges(ctx context.Context, c *engine.Client) ([]engine.DocumentChange, error) {
	row, err := s.documentPart(ctx, c, "history")
	if err != nil || !row.History.Valid {
		return nil, err
	}
	return decodeJSON[[]engine.DocumentChange](row.History.V)
}

// documentPart reads a column of the row of c.
func (s *Store) documentPart(ctx context.Context, c *engine.Client, column string) (row documentRow, err error) {
	err = s.reader.WithContext(ctx).Select(column).Where("client_id = ? AND registration = ? AND version = ?", c.ID,
		c.RegistrationID[:], c.Version).Take(&row).Error
	if err != nil {
		err = fmt.Errorf("reading the %s of %s: %w", column, c.ID, classifyRow(ctx, err, engine.ErrConflict))
	}
	return row, err
}

// AddDocument durably stores a client with a metadata document, with its first change if there is one, and returns
// [engine.ErrExists] if there is one with its ID. If [Config.MaxDocuments] are stored, the longest unused is deleted.
func (s *Store) AddDocument(ctx context.Context, c *engine.Client, first *engine.DocumentChange) error {
	if !keepsDocuments {
		return nil
	}
	err := s.addDocument(ctx, c, first)
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		err = engine.ErrExists
	}
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, classifyWrite(ctx, err))
	}
	return nil
}

func (s *Store) addDocument(ctx context.Context, c *engine.Client, first *engine.DocumentChange) error {
	row, err := s.newDocumentRow(ctx, c)
	if err != nil {
		return err
	}
	if first != nil {
		if row.History, err = appended(row.History, *first); err != nil {
			return err
		}
	}
	if err := s.documents.makeRoom(ctx, s); err != nil {
		return err
	}
	return s.writer.WithContext(ctx).Create(row).Error
}

// UpdateDocument durably replaces the stored client that has c's ID, RegistrationID and Version, gives it the next
// version, and adds a change to those of its document; nil means none. The text of a document that is kept stays if c
// has none. It returns [engine.ErrConflict] if there is no such client. It does not change IssuedAt, Caller and SeenAt.
func (s *Store) UpdateDocument(ctx context.Context, c *engine.Client, change *engine.DocumentChange) error {
	err := s.updateDocument(ctx, c, change)
	if err != nil {
		return fmt.Errorf("storing client %s: %w", c.ID, classifyWrite(ctx, err))
	}
	return nil
}

func (s *Store) updateDocument(ctx context.Context, c *engine.Client, change *engine.DocumentChange) error {
	row, err := s.newDocumentRow(ctx, c)
	if err != nil {
		return err
	}
	columns := updatedDocumentColumns
	if row.Document.Valid || !c.MetadataDocument.Kept {
		columns = append(slices.Clip(columns), "document")
	}
	if change != nil {
		columns = append(slices.Clip(columns), "history")
		before, err := s.documentPart(ctx, c, "history")
		if err != nil {
			return err
		}
		if row.History, err = appended(before.History, *change); err != nil {
			return err
		}
	}
	row.Version++
	result := s.writer.WithContext(ctx).Model(&documentRow{}).Select(columns).
		Where("client_id = ? AND registration = ? AND version = ?", c.ID, row.Registration, c.Version).Updates(row)
	if result.Error == nil && result.RowsAffected == 0 {
		return engine.ErrConflict
	}
	return result.Error
}

// appended returns the column of a list of changes with another one, without the oldest if they are too many.
func appended(column sql.Null[string], change engine.DocumentChange) (sql.Null[string], error) {
	var list []engine.DocumentChange
	if column.Valid {
		var err error
		if list, err = decodeJSON[[]engine.DocumentChange](column.V); err != nil {
			return column, err
		}
	}
	list = append(list, change)
	text, err := encodeJSON(list[max(0, len(list)-engine.MaxDocumentChanges):])
	return sql.Null[string]{V: text, Valid: true}, err
}

// UseDocuments notes durably that clients with these URLs were used at a time, unless a later use is noted. It ignores
// URLs that no client has.
func (s *Store) UseDocuments(ctx context.Context, urls []string, at time.Time) error {
	if !keepsDocuments {
		return nil
	}
	if err := s.noteTime(ctx, &documentRow{}, "used_at", "", urls, at); err != nil {
		return fmt.Errorf("noting the use of metadata documents: %w", classifyWrite(ctx, err))
	}
	return nil
}
