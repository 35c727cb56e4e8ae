package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"registrar/scripts/javascript"
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
	add := func(file string, info fs.FileInfo, err error) {
		if err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", file, info.Size(), info.ModTime().UnixNano())
		}
	}
	if c.Wasm != "" {
		info, err := os.Stat(c.Wasm)
		add(c.Wasm, info, err)
	}
	filepath.WalkDir(c.Folder, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case entry.IsDir() && skipped(entry.Name()):
			return fs.SkipDir
		case !entry.IsDir() && watched(file):
			info, err := os.Stat(file) // of what a link leads to
			add(file, info, err)
		}
		return nil // a file that is gone may come back
	})
	return b.String()
}

// skipped reports whether a folder holds nothing that its user edits: packages, and what version control keeps.
func skipped(folder string) bool {
	return folder == "node_modules" || folder == "target" || len(folder) > 1 && strings.HasPrefix(folder, ".")
}

// watched reports whether a run may read a file.
func watched(file string) bool {
	extension := filepath.Ext(file)
	return javascript.IsScript(file) || extension == ".wasm" || extension == ".txtar" || extension == ".json"
}
