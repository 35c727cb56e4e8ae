package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"registrar/engine"
)

// keepsDocuments reports whether this program has what migration 5 brought. Without it, no document is stored.
const keepsDocuments = LatestVersion >= 5

// maxValidator bounds the validators of a document, in bytes. A longer one is not kept.
const maxValidator = 255

// A documentRow is a row of the table documents: a client whose ID is the URL of its metadata document. The columns
// document and history are read by themselves.
type documentRow struct {
	ClientID     string `gorm:"primaryKey"`
	Registration []byte
	IssuedAt     time.Time
	ClientName   sql.Null[string] // a copy from Metadata, for searching
	Metadata     sql.Null[string] // NULL means that the document is not kept
	Caller       string
	Deployment   int64
	Acts         string
	Policy       int64
	Version      int64
	SeenAt       sql.Null[time.Time]
	Status       sql.Null[string] // NULL means active
	AdminActs    sql.Null[string] // NULL means none
	Digest       sql.Null[[]byte]
	ETag         string `gorm:"column:etag"`
	LastModified string
	FetchedAt    sql.Null[time.Time]
	FreshUntil   sql.Null[time.Time]
	PinnedAt     sql.Null[time.Time]
	UsedAt       time.Time
	Held         bool // pinned or not active: never deleted for room
	Document     sql.Null[[]byte]
	History      sql.Null[string] // NULL means none
}

func (documentRow) TableName() string { return "documents" }

// documentColumns are the columns that a client is read from.
const documentColumns = "client_id,registration,issued_at,metadata,caller,deployment,acts,policy,version,seen_at," +
	"status,admin_acts,digest,etag,last_modified,fetched_at,fresh_until,pinned_at,used_at"

// fields returns pointers to the fields of documentColumns, in their order.
func (r *documentRow) fields() []any {
	return []any{&r.ClientID, &r.Registration, &r.IssuedAt, &r.Metadata, &r.Caller, &r.Deployment, &r.Acts, &r.Policy,
		&r.Version, &r.SeenAt, &r.Status, &r.AdminActs, &r.Digest, &r.ETag, &r.LastModified, &r.FetchedAt, &r.FreshUntil,
		&r.PinnedAt, &r.UsedAt}
}

// updatedDocumentColumns are the columns that an update writes, besides document and history.
var updatedDocumentColumns = []string{"client_name", "metadata", "deployment", "acts", "policy", "version", "status",
	"admin_acts", "digest", "etag", "last_modified", "fetched_at", "fresh_until", "pinned_at", "used_at", "held"}

// newDocumentRow returns the row for a client with a metadata document.
func (s *Store) newDocumentRow(ctx context.Context, c *engine.Client) (*documentRow, error) {
	d := c.MetadataDocument
	if len(c.ID) < 1 || len(c.ID) > engine.MaxDocumentURL {
		return nil, fmt.Errorf("the ID has %d bytes: it must have 1 to %d", len(c.ID), engine.MaxDocumentURL)
	}
	row := &documentRow{ClientID: c.ID, Registration: c.RegistrationID[:], Deployment: c.Provenance.Deployment,
		Policy: d.Policy, Version: c.Version, SeenAt: optionalTime(c.SeenAt), ETag: validator(d.ETag),
		LastModified: validator(d.LastModified), FetchedAt: optionalTime(d.FetchedAt),
		FreshUntil: optionalTime(d.FreshUntil), PinnedAt: optionalTime(d.PinnedAt), Held: d.Pinned() || !c.Active(),
		Document: sql.Null[[]byte]{V: d.Text, Valid: d.Kept && d.Text != nil}}
	var err error
	if row.IssuedAt, err = instant(c.IssuedAt); err != nil {
		return nil, err
	}
	if row.UsedAt, err = instant(d.UsedAt); err != nil {
		return nil, err
	}
	if row.Caller, err = c.Caller.Encoded(); err != nil {
		return nil, err
	}
	if row.Acts, err = s.actsText(ctx, c.Provenance.Deployment, c.Provenance.Acts); err != nil {
		return nil, err
	}
	if d.Digest != nil {
		row.Digest = sql.Null[[]byte]{V: d.Digest[:], Valid: true}
	}
	if row.Status, row.AdminActs, err = administrationColumns(c); err != nil || !d.Kept {
		return row, err
	}
	metadata, err := c.EncodedMetadata()
	row.Metadata = sql.Null[string]{V: metadata, Valid: true}
	row.ClientName = sql.Null[string]{V: c.Metadata.ClientName, Valid: c.Metadata.ClientName != ""}
	return row, err
}

// validator returns an ETag or Last-Modified as it is stored: "" if it is too long.
func validator(header string) string {
	if len(header) > maxValidator {
		return ""
	}
	return header
}

// documentClient returns the client of a row.
func (s *Store) documentClient(ctx context.Context, r *documentRow) (*engine.Client, error) {
	c := &engine.Client{ID: r.ClientID, IssuedAt: r.IssuedAt.UTC(), Version: r.Version, SeenAt: timeOf(r.SeenAt),
		MetadataDocument: &engine.MetadataDocument{Kept: r.Metadata.Valid, ETag: r.ETag, LastModified: r.LastModified,
			FetchedAt: timeOf(r.FetchedAt), FreshUntil: timeOf(r.FreshUntil), PinnedAt: timeOf(r.PinnedAt),
			UsedAt: r.UsedAt.UTC(), Policy: r.Policy}}
	if err := s.readDocumentRow(ctx, r, c); err != nil {
		return nil, fmt.Errorf("client %s: %w", r.ClientID, err)
	}
	return c, nil
}

// readDocumentRow decodes the columns of a row into c.
func (s *Store) readDocumentRow(ctx context.Context, r *documentRow, c *engine.Client) (err error) {
	if c.RegistrationID, err = uuid.FromBytes(r.Registration); err != nil {
		return err
	}
	if c.Caller, err = decodeJSON[engine.Caller](r.Caller); err != nil {
		return err
	}
	if r.Metadata.Valid {
		if c.Metadata, err = decodeJSON[engine.Metadata](r.Metadata.V); err != nil {
			return err
		}
	}
	c.Provenance.Deployment = r.Deployment
	if c.Provenance.Acts, err = s.acts(ctx, r.Deployment, r.Acts); err != nil {
		return err
	}
	if r.Digest.Valid {
		if len(r.Digest.V) != sha256.Size {
			return fmt.Errorf("the digest of its document has %d bytes, not %d", len(r.Digest.V), sha256.Size)
		}
		c.MetadataDocument.Digest = (*[sha256.Size]byte)(r.Digest.V)
	}
	return readAdministration(c, r.Status, r.AdminActs)
}
