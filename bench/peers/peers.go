// Package peers installs and starts other authorization servers that register clients, so that registrar can be
// compared with them: node-oidc-provider, from npm, and Ory Hydra, from Go's module proxy. Their versions are pinned in
// this folder, by a lock file and by go.sum. What is installed is kept in the user's cache folder.
package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"registrar/internal/wasmtest"
)

// The versions, which are those of the lock file and of hydra/go.mod.
const (
	OIDCProviderVersion = "9.13.3"
	HydraVersion        = "v2.3.0"
)

// ErrNotCached reports that a peer would have to be fetched.
var ErrNotCached = errors.New("it is not in the cache folder")

// Folder returns the folder in which peers are kept.
func Folder() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "registrar", "peers"), err
}

// source returns the path of a file in this folder of the source tree.
func source(name ...string) string {
	return filepath.Join(append([]string{wasmtest.Root(), "bench", "peers"}, name...)...)
}

// OIDCProvider returns the path of the program for Node.js that serves node-oidc-provider with our adapter. It installs
// the libraries if they are not in the cache folder; if fetch is not set, it returns [ErrNotCached] instead.
func OIDCProvider(ctx context.Context, fetch bool) (program string, err error) {
	folder, err := Folder()
	if err != nil {
		return "", err
	}
	folder = filepath.Join(folder, "node-oidc-provider-"+OIDCProviderVersion)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	lock, err := os.ReadFile(source("node-oidc-provider", "package-lock.json"))
	if err != nil {
		return "", err
	}
	// The copy of the lock file is written last, so that it tells what is installed.
	installed, err := os.ReadFile(filepath.Join(folder, "installed.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, name := range []string{"package.json", "package-lock.json", "adapter.js", "server.js"} {
		b, err := os.ReadFile(source("node-oidc-provider", name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o644); err != nil {
			return "", err
		}
	}
	program = filepath.Join(folder, "server.js")
	if bytes.Equal(lock, installed) {
		return program, nil
	}
	if !fetch {
		return "", ErrNotCached
	}
	if err := run(ctx, folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		return "", err
	}
	return program, os.WriteFile(filepath.Join(folder, "installed.json"), lock, 0o644)
}

// Hydra returns the path of the program. It builds the program if it is not in the cache folder, which takes minutes;
// if fetch is not set, it returns [ErrNotCached] instead.
func Hydra(ctx context.Context, fetch bool) (program string, err error) {
	folder, err := Folder()
	if err != nil {
		return "", err
	}
	program = filepath.Join(folder, "hydra-"+HydraVersion)
	_, err = os.Stat(program)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return program, err
	}
	if !fetch {
		return "", ErrNotCached
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	// A build that is interrupted leaves no program under the final name.
	partial := program + ".new"
	if err := run(ctx, source("hydra"), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", partial,
		"."); err != nil {
		return "", err
	}
	return program, os.Rename(partial, program)
}

// run runs a command in a folder. Its error is one line.
func run(ctx context.Context, folder, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w%s", filepath.Base(program), args[0], err, reason(string(out)))
	}
	return nil
}

// reason returns what a failed command gave as its reason: its first line about an error, or else its last line. It
// begins with a colon, and is "" if the command wrote nothing.
func reason(out string) string {
	out = strings.TrimSpace(out)
	if out == "" {
		return ""
	}
	lines := strings.Split(out, "\n")
	for _, line := range lines {
		if strings.Contains(strings.ToLower(line), "error") {
			return ": " + strings.TrimSpace(line)
		}
	}
	return ": " + strings.TrimSpace(lines[len(lines)-1])
}
