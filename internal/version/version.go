// Package version tells which program this is: its version, the commit that it was built from, and the versions of what
// it was built with.
package version

import (
	"cmp"
	"runtime"
	"runtime/debug"
	"sync"
)

// release is the program's version, which a build sets: -ldflags "-X registrar/internal/version.release=1.2.3".
var release string

// An Info describes a build.
type Info struct {
	Version string // such as 1.2.3; "(devel)" if the build did not set it
	Commit  string // of the source, with "+dirty" if files were changed; "" if it is not known
	Go      string // such as go1.26.8
	wazero  string
}

// Get returns what is known of this program.
var Get = sync.OnceValue(func() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return read(release, build)
})

func read(release string, build *debug.BuildInfo) Info {
	i := Info{Version: cmp.Or(release, build.Main.Version, "(devel)"), Go: build.GoVersion}
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	if i.Commit = settings["vcs.revision"]; i.Commit != "" && settings["vcs.modified"] == "true" {
		i.Commit += "+dirty"
	}
	for _, module := range build.Deps {
		if module.Path == "github.com/tetratelabs/wazero" {
			i.wazero = module.Version
			if r := module.Replace; r != nil {
				i.wazero = r.Path + " " + r.Version
			}
		}
	}
	return i
}

// Wazero returns the version of wazero, which runs the scripts, or "unknown". Compiled code depends on it.
func (i Info) Wazero() string { return cmp.Or(i.wazero, "unknown") }
