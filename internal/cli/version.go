package cli

import (
	"fmt"
	"runtime"
	"strings"

	"registrar/internal/version"
	"registrar/store"
)

// versionCommand prints which program this is.
type versionCommand struct{}

// Run prints the program's version and commit, those of Go and wazero, and the version of the schema that it needs.
func (versionCommand) Run(to *console) error {
	v := version.Get()
	program := strings.TrimSpace(v.Version + " " + v.Commit)
	_, err := fmt.Fprintf(to.out, "registrar %s\n%s %s/%s\nwazero %s\nschema %d\n", program, v.Go, runtime.GOOS,
		runtime.GOARCH, v.Wazero(), store.LatestVersion)
	return err
}
