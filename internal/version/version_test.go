package version

import (
	"runtime/debug"
	"testing"
)

func TestRead(t *testing.T) {
	build := &debug.BuildInfo{
		GoVersion: "go1.26.8",
		Main:      debug.Module{Version: "v0.0.0-20260101000000-0123456789ab"},
		Deps:      []*debug.Module{{Path: "github.com/tetratelabs/wazero", Version: "v1.12.0"}},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789ab"},
			{Key: "vcs.modified", Value: "true"}},
	}
	if got, want := read("1.2.3", build), (Info{"1.2.3", "0123456789ab+dirty", "go1.26.8", "v1.12.0"}); got != want {
		t.Errorf("a release: got %+v, want %+v", got, want)
	}
	if got := read("", build).Version; got != build.Main.Version {
		t.Errorf("without a release: got %q, want %q", got, build.Main.Version)
	}
	bare := read("", &debug.BuildInfo{GoVersion: "go1.26.8"})
	if want := (Info{Version: "(devel)", Go: "go1.26.8"}); bare != want || bare.Wazero() != "unknown" {
		t.Errorf("a build that says nothing: got %+v, want %+v", bare, want)
	}
}
