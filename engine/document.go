package engine

import (
	"crypto/sha256"
	"time"
)

// A Kind says how a client became one.
type Kind string

// The kinds of clients.
const (
	KindRegistered Kind = "registered" // by a registration, or by an administrator
	KindDocument   Kind = "document"   // its ID is the URL of its metadata document
)

// Kind returns the kind of the client.
func (c *Client) Kind() Kind {
	if c.MetadataDocument != nil {
		return KindDocument
	}
	return KindRegistered
}

// A MetadataDocument is what is kept of a metadata document. Times are in UTC, in whole microseconds.
type MetadataDocument struct {
	// Kept reports whether the document is kept: Metadata and Provenance of the client are made of it. Otherwise they are
	// empty, since the document was no-store, or the last one was refused.
	Kept bool
	// Text is the document; nil if it is not kept, or was not read.
	Text []byte

	Digest             *[sha256.Size]byte // SHA-256 of the last good document, kept or not; nil means that there was none
	ETag, LastModified string             // validators of the document that is kept; "" means none
	FetchedAt          time.Time          // when it was fetched or validated; zero means never
	FreshUntil         time.Time          // when it is to be fetched again; zero means at once
	PinnedAt           time.Time          // since when an operator's copy is in force; zero means that none is
	UsedAt             time.Time          // last use, to within minutes
	Policy             int64              // number of the deployment in force when the steps ran; 0 means none
}

// Pinned reports whether an operator's copy is in force. It is never fetched.
func (d *MetadataDocument) Pinned() bool { return !d.PinnedAt.IsZero() }

// Fresh reports whether the document is in force at a time without being fetched.
func (d *MetadataDocument) Fresh(at time.Time) bool {
	return d.Kept && (d.Pinned() || at.Before(d.FreshUntil))
}

// Forget drops the document, not its digest.
func (d *MetadataDocument) Forget() {
	d.Kept, d.Text, d.ETag, d.LastModified = false, nil, "", ""
	d.FreshUntil, d.PinnedAt = time.Time{}, time.Time{}
}

// MaxDocumentChanges bounds the changes that are kept of a metadata document: the last ones.
const MaxDocumentChanges = 20

// A DocumentChange records that another document came into force. Digests are "sha256:" and 64 hex digits.
type DocumentChange struct {
	At     time.Time `json:"at"`
	Before string    `json:"before,omitzero"` // digest of the document before; "" means that there was none
	After  string    `json:"after"`
	Pinned bool      `json:"pinned,omitzero"` // whether the document is an operator's copy
	// Members names the members of the document that differ; nil means that the document before was not kept.
	Members []string `json:"members,omitzero"`
}
