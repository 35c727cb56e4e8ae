package codecache

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"

	"registrar/internal/version"
)

// A Key says all that machine code depends on but the module: programs or machines with different keys use no code of
// each other's.
type Key string

// format is the version of what this package writes. It is raised with each change.
const format = 1

// NewKey returns the key of this program on this machine. options are those of the compiler.
func NewKey(options string) Key {
	v := version.Get()
	return Key(fmt.Sprintf("format %d; registrar %s %s; %s; wazero %s; %s/%s; cpu %s; %s", format, v.Version,
		buildOf(v),
		v.Go, v.Wazero(), runtime.GOOS, runtime.GOARCH, strings.Join(features(), " "), options))
}

// String returns the key in words.
func (k Key) String() string { return string(k) }

func (k Key) folder() string {
	sum := sha256.Sum256([]byte(k))
	return keyPrefix + hex.EncodeToString(sum[:8])
}

// buildOf returns what tells builds of one version apart: the commit, and where it does not say all, the time at which
// the program was built.
func buildOf(v version.Info) string {
	if v.Commit != "" && !strings.HasSuffix(v.Commit, "+dirty") {
		return v.Commit
	}
	built := "unknown"
	if program, err := os.Executable(); err == nil {
		if info, err := os.Stat(program); err == nil {
			built = fmt.Sprintf("built at %d with %d bytes", info.ModTime().UnixNano(), info.Size())
		}
	}
	return strings.TrimSpace(cmp.Or(v.Commit, "without a commit") + " " + built)
}

// features returns the names of what this CPU can do, as far as Go knows. wazero looks at a few of them; which, is its
// own affair.
func features() []string {
	var names []string
	for _, set := range []any{cpu.X86, cpu.ARM64} {
		v := reflect.ValueOf(set)
		for i := range v.NumField() {
			name, has := strings.CutPrefix(v.Type().Field(i).Name, "Has")
			if has && v.Field(i).Kind() == reflect.Bool && v.Field(i).Bool() {
				names = append(names, name)
			}
		}
	}
	return names
}
