// Package catalog holds what is known of uploaded modules and of deployments: data only, shared by the packages that
// run, keep and serve them.
package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	// ErrNotFound is a client, module or deployment that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict is a change that another one overtook, or that something else forbids.
	ErrConflict = errors.New("conflict")
)

// A Module is an uploaded WebAssembly module. It never changes.
type Module struct {
	Digest    string    `json:"digest"` // "sha256:" and 64 hex digits, of the bytes as uploaded
	Name      string    `json:"name"`   // given at the first upload
	Size      int       `json:"size"`   // in bytes
	Steps     []string  `json:"steps"`  // in the order of a registration
	Imports   []string  `json:"imports"`
	MemoryMin uint64    `json:"memory_min"` // in bytes
	Warnings  []string  `json:"warnings"`
	CreatedAt time.Time `json:"created_at"`
}

// Digest returns the digest of a module's bytes, as [Module] has it.
func Digest(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// A Deployment is the list of scripts that registrations run through. Deployments are only ever appended; the highest
// number is in force.
type Deployment struct {
	Number    int64     `json:"number"` // from 1; 0 is the state before the first
	Scripts   []Script  `json:"scripts"`
	Comment   string    `json:"comment,omitzero"`
	CopyOf    int64     `json:"copy_of,omitzero"` // the number of the deployment that was brought back
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// A Script is a module in a deployment. The first in the list is outermost.
type Script struct {
	Name      string         `json:"name"`
	Module    string         `json:"module"`              // a digest
	Config    jsontext.Value `json:"config,omitzero"`     // an object; nil means {}
	Mode      Mode           `json:"mode,omitzero"`       // empty means ModeEnforce
	OnFailure OnFailure      `json:"on_failure,omitzero"` // empty means OnFailureRefuse
	FailOpen  []string       `json:"fail_open,omitzero"`  // steps other than add_client_id and generate_secret that OnFailureBase may stand in for
}

// A Mode says how far a script's word counts.
type Mode string

// ModeEnforce is a script that acts.
const ModeEnforce Mode = "enforce"

// An OnFailure says what follows where a script fails.
type OnFailure string

// The two ways to go on after a script's failure.
const (
	OnFailureRefuse OnFailure = "refuse" // the registration fails
	OnFailureBase   OnFailure = "base"   // what the script replaced runs instead
)

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// ValidName reports whether s can be a script's name: [a-z0-9][a-z0-9._-]{0,63}.
func ValidName(s string) bool { return name.MatchString(s) }
