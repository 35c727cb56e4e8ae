// Package scripts defines uploaded modules, deployments, and the results of running scripts. It holds only data types,
// shared by the packages that run, store and serve scripts.
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

// A Module is an uploaded WebAssembly module. It is immutable, except for its signature.
type Module struct {
	Digest    string    `json:"digest"`             // "sha256:" and 64 hex digits, of the bytes as uploaded
	Name      string    `json:"name"`               // as given at the first upload
	Size      int       `json:"size"`               // in bytes
	Steps     []string  `json:"steps"`              // exported, in the order of a registration; none for a program
	Imports   []string  `json:"imports"`            // as "module.name"
	MemoryMin uint64    `json:"memory_min"`         // in bytes
	Warnings  []string  `json:"warnings"`           // about exports and imports that are probably mistakes
	CreatedAt time.Time `json:"created_at"`         // of the first upload
	Signature string    `json:"signature,omitzero"` // the content of the .minisig file; "" means none

	// ConfigSchema is the JSON Schema of a script's configuration that the module carries; nil means none, or that the
	// module was read from the store without its bytes.
	ConfigSchema jsontext.Value `json:"config_schema,omitzero"`
}

// HowToShrink says how a module gets smaller, for the answer to one that is too large.
const HowToShrink = "leave out debug information (Go: -ldflags='-s -w'; Rust: strip = true and opt-level = \"s\"; " +
	"C: -Wl,--strip-all; any: wasm-opt -Oz --strip-debug), and packages that the script does not need"

// Command reports whether the module is a program, which exports _start instead of steps.
func (m Module) Command() bool { return len(m.Steps) == 0 }

// Digest returns the digest of a module's bytes, in the form of [Module].Digest.
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
	CopyOf    int64     `json:"copy_of,omitzero"`    // the number of the deployment that it restores; 0 means none
	CreatedBy string    `json:"created_by,omitzero"` // an administrator, or "canary" for a fallback
	CreatedAt time.Time `json:"created_at,omitzero"`
}

// MaxSource bounds the source of a script in JavaScript or TypeScript, all its files together, in bytes.
const MaxSource = 1 << 20

// The bounds of a deployment.
const (
	MaxScripts        = 64      // scripts in it
	MaxDeploymentSize = 1 << 20 // of the scripts as JSON, in bytes
	MaxComment        = 1 << 10 // of its comment, in bytes
	MaxFuel           = 1 << 50 // of a step, in instructions; the wall clock ends it long before
)

// A Script is a module in a deployment. The first in the list is outermost.
type Script struct {
	Name      string         `json:"name"`                // unique in the deployment; see [NameRule]
	Module    string         `json:"module"`              // a digest
	Steps     []string       `json:"steps,omitempty"`     // replaced by a program; none if the module exports steps
	Config    jsontext.Value `json:"config,omitzero"`     // an object; nil means {}
	Mode      Mode           `json:"mode,omitzero"`       // empty means ModeEnforce, or ModeCanary with Canary
	Canary    string         `json:"canary,omitzero"`     // the share of callers, such as "5%"; only with ModeCanary
	OnFailure OnFailure      `json:"on_failure,omitzero"` // empty means OnFailureRefuse
	FailOpen  []string       `json:"fail_open,omitzero"`  // where OnFailureBase may apply too; see docs/http.md
	Fuel      int64          `json:"fuel,omitzero"`       // instructions of a step, 1 to MaxFuel; 0 means the server's
}

// IsCanary reports whether the script is in the mode [ModeCanary].
func (s *Script) IsCanary() bool { return s.Mode == ModeCanary || s.Mode == "" && s.Canary != "" }

// A Mode says in which registrations a script's result counts. It is distinct from engine.Mode, the mode of a
// registration; a script learns of the two through hostfuncs.Mode.
type Mode string

// The modes of scripts.
const (
	ModeEnforce Mode = "enforce" // its results count in every registration
	ModeShadow  Mode = "shadow"  // its results never count; differences are recorded
	// ModeCanary lets its results count for a share of the callers. The others get the latest deployment without
	// canaries.
	ModeCanary Mode = "canary"
)

// An OnFailure says how a registration continues after a script failed.
type OnFailure string

// The ways to continue after a script failed.
const (
	OnFailureRefuse OnFailure = "refuse" // the registration fails
	OnFailureBase   OnFailure = "base"   // the step that the script replaced runs instead
)

// NameRule is the regular expression that a script's name matches as a whole.
const NameRule = `[a-z0-9][a-z0-9._-]{0,63}`

var name = regexp.MustCompile(`^` + NameRule + `$`)

// ValidName reports whether s is a valid name of a script; see [NameRule].
func ValidName(s string) bool { return name.MatchString(s) }

// Names returns the names of scripts, outermost first, separated by commas; "no scripts" if list is empty.
func Names(list []Script) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	return cmp.Or(strings.Join(names, ", "), "no scripts")
}
