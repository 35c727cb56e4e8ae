package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCommand says which program this is.
type versionCommand struct{}

// wazero is the module that runs scripts.
const wazero = "github.com/tetratelabs/wazero"

// Run prints the versions.
func (versionCommand) Run(to *console) error {
	_, err := fmt.Fprint(to.out, versions())
	return err
}

// versions returns the program's version, Go's, and that of what runs scripts.
func versions() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return fmt.Sprintf("registrar (unknown)\n%s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	}
	version := build.Main.Version
	for _, setting := range build.Settings {
		if setting.Key == "vcs.revision" {
			version += " " + setting.Value
		}
	}
	s := fmt.Sprintf("registrar %s\n%s %s/%s\n", cmp.Or(version, "(devel)"), build.GoVersion, runtime.GOOS, runtime.GOARCH)
	for _, module := range build.Deps {
		if module.Path == wazero {
			s += fmt.Sprintf("wazero %s\n", module.Version)
		}
	}
	return s
}
