// Package scripts describes uploaded modules, deployments, and what comes of running scripts: data only, shared by the
// packages that run, store and serve them.
package scripts

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Module is an uploaded WebAssembly module. Only its signature ever changes.
type Module struct {
	Digest    string    `json:"digest"` // "sha256:" and 64 hex digits, of the bytes as uploaded
	Name      string    `json:"name"`   // given at the first upload
	Size      int       `json:"size"`   // in bytes
	Steps     []string  `json:"steps"`  // in the order of a registration; none for a program, see [Script]
	Imports   []string  `json:"imports"`
	MemoryMin uint64    `json:"memory_min"` // in bytes
	Warnings  []string  `json:"warnings"`
	CreatedAt time.Time `json:"created_at"`
	Signature string    `json:"signature,omitzero"` // minisign's, as the .minisig file has it; empty where there is none
}

// Command reports whether the module is a program, which exports _start instead of steps.
func (m Module) Command() bool { return len(m.Steps) == 0 }

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
	CreatedBy string    `json:"created_by,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// The bounds of a deployment.
const (
	MaxScripts        = 64      // scripts in it
	MaxDeploymentSize = 1 << 20 // of the scripts as JSON, in bytes
	MaxComment        = 1 << 10 // of its comment, in bytes
)

// A Script is a module in a deployment. The first in the list is outermost.
type Script struct {
	Name      string         `json:"name"`
	Module    string         `json:"module"`              // a digest
	Steps     []string       `json:"steps,omitempty"`     // that a program replaces; none where the module exports steps
	Config    jsontext.Value `json:"config,omitzero"`     // an object; nil means {}
	Mode      Mode           `json:"mode,omitzero"`       // empty means ModeEnforce, or ModeCanary with Canary
	Canary    string         `json:"canary,omitzero"`     // the share of callers, such as "5%"; only with ModeCanary
	OnFailure OnFailure      `json:"on_failure,omitzero"` // empty means OnFailureRefuse
	FailOpen  []string       `json:"fail_open,omitzero"`  // where OnFailureBase may apply too; see docs/http.md
}

// A Mode is how far a script's result counts, as its deployment says. The mode of a registration is engine.Mode, and
// what a script is told of both is hostfuncs.Mode.
type Mode string

// The modes of scripts.
const (
	ModeEnforce Mode = "enforce" // it acts
	ModeShadow  Mode = "shadow"  // it runs beside the scripts that act, and what it would have changed is kept
	// ModeCanary has it act for a share of the callers. For the others the latest deployment without canaries is in force.
	ModeCanary Mode = "canary"
)

// An OnFailure says what follows where a script fails.
type OnFailure string

// The two ways to go on after a script's failure.
const (
	OnFailureRefuse OnFailure = "refuse" // the registration fails
	OnFailureBase   OnFailure = "base"   // what the script replaced runs instead
)

// NameRule is the regular expression of a script's name.
const NameRule = `[a-z0-9][a-z0-9._-]{0,63}`

var name = regexp.MustCompile(`^` + NameRule + `$`)

// ValidName reports whether s can be a script's name; see [NameRule].
func ValidName(s string) bool { return name.MatchString(s) }

// Names lists the names of scripts for people to read, the outermost first.
func Names(list []Script) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	return cmp.Or(strings.Join(names, ", "), "no scripts")
}
