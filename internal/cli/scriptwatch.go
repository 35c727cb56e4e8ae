package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// watchInterval is how often the files of a script's cases are looked at.
const watchInterval = 300 * time.Millisecond

// watch runs the cases, and again each time that a file has changed and then stayed the same for an interval, so that
// no file is read while a compiler writes it. When ctx ends, it returns the result of the last complete run. The errors
// of a run are printed, since what is wrong with the files may be mended.
func (c *scriptTestCommand) watch(ctx context.Context, to *console) error {
	if _, err := c.host(); err != nil {
		return usageError{err}
	}
	options := c.options()
	if err := options.Validate(); err != nil {
		return usageError{err}
	}
	var last error // exited, or printed before
	tested, before := "", c.state()
	for {
		now := c.state()
		if now != tested && now == before {
			tested = now
			err := c.test(ctx, to)
			if ctx.Err() != nil {
				return last
			}
			last = exitedOr(err, to)
			fmt.Fprintf(to.err, "watching %s, until interrupted\n", printable(c.Folder))
		}
		before = now
		select {
		case <-ctx.Done():
			return last
		case <-time.After(watchInterval):
		}
	}
}

// exitedOr prints an error, and returns one with its exit code that prints nothing more; nil for nil.
func exitedOr(err error, to *console) error {
	if code := report(err, to); code != exitDone {
		return exited(code)
	}
	return nil
}

// state returns a text that changes with the files that a run reads: their names, sizes and times of change.
func (c *scriptTestCommand) state() string {
	var b strings.Builder
	files := []string{c.Wasm}
	for _, pattern := range []string{"*.wasm", "*.txtar", filepath.Join("cases", "*.txtar")} {
		// The folder is not a pattern, so its files are listed instead of globbed.
		entries, err := os.ReadDir(filepath.Join(c.Folder, filepath.Dir(pattern)))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if filepath.Ext(e.Name()) == filepath.Ext(pattern) {
				files = append(files, filepath.Join(c.Folder, filepath.Dir(pattern), e.Name()))
			}
		}
	}
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", file, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
