package cli

import (
	"fmt"
	"runtime"
	"strings"

	"registrar/internal/version"
)

// versionCommand prints which program this is.
type versionCommand struct{}

// Run prints the program's version and commit, and those of Go and wazero.
func (versionCommand) Run(to *console) error {
	v := version.Get()
	program := strings.TrimSpace(v.Version + " " + v.Commit)
	_, err := fmt.Fprintf(to.out, "registrar %s\n%s %s/%s\nwazero %s\n", program, v.Go, runtime.GOOS, runtime.GOARCH, v.Wazero())
	return err
}
