package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"registrar/engine"
)

// The values of clientRow.Event.
const (
	eventRegistered = "registered" // AddClient wrote it
	eventUpdated    = "updated"    // UpdateClient wrote it
)

// A clientRow is a row of the table clients: a client, and the event that wrote the row last.
type clientRow struct {
	ClientID        string `gorm:"primaryKey"`
	Registration    []byte // engine.Client.RegistrationID
	IssuedAt        time.Time
	ClientName      sql.Null[string] // a copy from Metadata, for searching
	Metadata        string
	Caller          string
	SecretHash      sql.Null[[]byte]
	SecretSalt      sql.Null[[]byte]
	SecretExpiresAt sql.Null[time.Time]
	Deployment      int64
	Acts            string

	// Columns that updates change. The Former columns hold engine.Client.PreviousSecret.
	Version           int64
	TokenHash         sql.Null[[]byte]
	FormerHash        sql.Null[[]byte]
	FormerSalt        sql.Null[[]byte]
	FormerExpiresAt   sql.Null[time.Time]
	UpdatedAt         sql.Null[time.Time] `gorm:"autoUpdateTime:false"`
	UpdatedDeployment sql.Null[int64]
	UpdatedActs       sql.Null[string]
	SeenAt            sql.Null[time.Time]
	SecretIssuedAt    sql.Null[time.Time] // NULL means IssuedAt
	RetryUntil        sql.Null[time.Time]
	Status            sql.Null[string] // NULL means active
	AdminActs         sql.Null[string] // NULL means none

	// For an audit log and a feed of changes. A sequence has gaps where clients were refused, or deleted later.
	Writer   []byte           // ID of the process that wrote the row
	Sequence int64            // number of the event among those of Writer, from 1
	Previous sql.Null[[]byte] // keyed hash of the writer's previous event; NULL without auditing
	Event    string
}

// clientColumns are the columns that a client is read from. The others serve to find it, and to record who wrote it.
const clientColumns = "client_id,registration,issued_at,metadata,caller,secret_hash,secret_salt,secret_expires_at," +
	"deployment,acts,version,token_hash,former_hash,former_salt,former_expires_at,updated_at,updated_deployment," +
	"updated_acts,seen_at,secret_issued_at,retry_until,status,admin_acts"

func (clientRow) TableName() string { return "clients" }

// maxClientID bounds the ID of a registered client, in bytes. The column is wider.
const maxClientID = 255

// newClientRow returns the row for a client that is about to be written, with the next sequence number.
func (s *Store) newClientRow(ctx context.Context, c *engine.Client) (*clientRow, error) {
	if len(c.ID) < 1 || len(c.ID) > maxClientID {
		return nil, fmt.Errorf("the ID has %d bytes: it must have 1 to %d", len(c.ID), maxClientID)
	}
	issuedAt, err := instant(c.IssuedAt)
	if err != nil {
		return nil, err
	}
	metadata, err := c.EncodedMetadata()
	if err != nil {
		return nil, err
	}
	caller, err := c.Caller.Encoded()
	if err != nil {
		return nil, err
	}
	acts, err := s.actsText(ctx, c.Provenance.Deployment, c.Provenance.Acts)
	if err != nil {
		return nil, err
	}
	secret := columnsOf(c.Secret)
	row := &clientRow{
		ClientID:        c.ID,
		Registration:    c.RegistrationID[:],
		IssuedAt:        issuedAt,
		ClientName:      sql.Null[string]{V: c.Metadata.ClientName, Valid: c.Metadata.ClientName != ""},
		Metadata:        metadata,
		Caller:          caller,
		SecretHash:      secret.Hash,
		SecretSalt:      secret.Salt,
		SecretExpiresAt: secret.ExpiresAt,
		Deployment:      c.Provenance.Deployment,
		Acts:            acts,
		Writer:          s.writerID[:],
		Event:           eventRegistered,
	}
	if err := s.setManagement(ctx, row, c); err != nil {
		return nil, err
	}
	row.Sequence = s.sequence.Add(1)
	return row, nil
}

// setManagement fills the columns that updates change.
func (s *Store) setManagement(ctx context.Context, r *clientRow, c *engine.Client) (err error) {
	r.Version = c.Version
	previous := columnsOf(c.PreviousSecret)
	r.FormerHash, r.FormerSalt, r.FormerExpiresAt = previous.Hash, previous.Salt, previous.ExpiresAt
	if c.TokenHash != nil {
		r.TokenHash = sql.Null[[]byte]{V: c.TokenHash[:], Valid: true}
	}
	r.SeenAt = optionalTime(c.SeenAt)
	r.SecretIssuedAt, r.RetryUntil = optionalTime(c.SecretIssuedAt), optionalTime(c.RetryUntil)
	if r.Status, r.AdminActs, err = administrationColumns(c); err != nil || c.Updated == nil {
		return err
	}
	acts, err := s.actsText(ctx, c.Updated.Deployment, c.Updated.Acts)
	r.UpdatedAt = optionalTime(c.Updated.At)
	r.UpdatedDeployment = sql.Null[int64]{V: c.Updated.Deployment, Valid: true}
	r.UpdatedActs = sql.Null[string]{V: acts, Valid: true}
	return err
}

// client returns the client of a row.
func (s *Store) client(ctx context.Context, r *clientRow) (*engine.Client, error) {
	c := &engine.Client{ID: r.ClientID, IssuedAt: r.IssuedAt.UTC()}
	if err := s.readRow(ctx, r, c); err != nil {
		return nil, fmt.Errorf("client %s: %w", r.ClientID, err)
	}
	return c, nil
}

// readRow decodes the columns of a row into c.
func (s *Store) readRow(ctx context.Context, r *clientRow, c *engine.Client) (err error) {
	if c.RegistrationID, err = uuid.FromBytes(r.Registration); err != nil {
		return err
	}
	if c.Metadata, err = decodeJSON[engine.Metadata](r.Metadata); err != nil {
		return err
	}
	if c.Caller, err = decodeJSON[engine.Caller](r.Caller); err != nil {
		return err
	}
	c.Provenance.Deployment = r.Deployment
	if c.Provenance.Acts, err = s.acts(ctx, r.Deployment, r.Acts); err != nil {
		return err
	}
	if c.Secret, err = (secretColumns{r.SecretHash, r.SecretSalt, r.SecretExpiresAt}).secret(); err != nil {
		return err
	}
	return s.readManagement(ctx, r, c)
}

// readManagement decodes the columns that setManagement fills.
func (s *Store) readManagement(ctx context.Context, r *clientRow, c *engine.Client) (err error) {
	c.Version = r.Version
	c.PreviousSecret, err = secretColumns{r.FormerHash, r.FormerSalt, r.FormerExpiresAt}.secret()
	if err != nil {
		return err
	}
	if r.TokenHash.Valid {
		if len(r.TokenHash.V) != sha256.Size {
			return fmt.Errorf("the hash of its token has %d bytes, not %d", len(r.TokenHash.V), sha256.Size)
		}
		c.TokenHash = (*[sha256.Size]byte)(r.TokenHash.V)
	}
	c.SeenAt = timeOf(r.SeenAt)
	c.SecretIssuedAt, c.RetryUntil = timeOf(r.SecretIssuedAt), timeOf(r.RetryUntil)
	if err := readAdministration(c, r.Status, r.AdminActs); err != nil {
		return err
	}
	if !r.UpdatedActs.Valid {
		return nil
	}
	c.Updated = &engine.Update{At: r.UpdatedAt.V.UTC()}
	c.Updated.Deployment = r.UpdatedDeployment.V
	c.Updated.Acts, err = s.acts(ctx, c.Updated.Deployment, r.UpdatedActs.V)
	return err
}

// administrationColumns returns the columns of the status, and of what administrators did.
func administrationColumns(c *engine.Client) (status, acts sql.Null[string], err error) {
	if !c.Active() {
		status = sql.Null[string]{V: string(c.Status), Valid: true}
	}
	if len(c.AdminActs) > 0 {
		acts.Valid = true
		acts.V, err = encodeJSON(c.AdminActs)
	}
	return status, acts, err
}

// readAdministration decodes the columns into c. A status that this program does not know is not active.
func readAdministration(c *engine.Client, status, acts sql.Null[string]) (err error) {
	if status.Valid {
		c.Status = engine.Status(status.V)
	}
	if acts.Valid {
		c.AdminActs, err = decodeJSON[[]engine.AdminAct](acts.V)
	}
	return err
}

// A secretColumns holds the columns of a secret.
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
