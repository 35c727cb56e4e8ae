package secretfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/secretfile"
)

const secret = "correct horse"

// write creates a file with a mode, whatever the umask is.
func write(t *testing.T, content string, mode fs.FileMode) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		content   string
		want, err string
	}{
		"a line":                {secret + "\n", secret, ""},
		"no line break":         {secret, secret, ""},
		"another system's line": {secret + "\r\n", secret, ""},
		"spaces are kept":       {" " + secret + " \n", " " + secret + " ", ""},
		"the largest":           {strings.Repeat("x", 64<<10), strings.Repeat("x", 64<<10), ""},
		"empty":                 {"", "", "the file is empty"},
		"an empty line":         {"\n", "", "the file is empty"},
		"two line breaks":       {secret + "\n\n", "", "several lines"},
		"two lines":             {secret + "\n" + secret, "", "several lines"},
		"too large":             {strings.Repeat("x", 64<<10+1), "", "at most 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, tt.content, 0o600)
			got, err := secretfile.Read(path)
			if got != tt.want || (err == nil) != (tt.err == "") {
				t.Fatalf("got %d bytes and %v, want %d", len(got), err, len(tt.want))
			}
			if err != nil && (!strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), path) ||
				strings.Contains(err.Error(), secret)) {
				t.Errorf("got %q, want %q and the path in it, and no secret", err, tt.err)
			}
		})
	}
	if _, err := secretfile.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: got %v", err)
	}
	if _, err := secretfile.Read(t.TempDir()); err == nil {
		t.Error("a folder: got no error, want one")
	}
}

// A group may read a secret, others may not.
func TestMode(t *testing.T) {
	for mode, exposed := range map[fs.FileMode]bool{
		0o400: false, 0o600: false, 0o440: false, 0o640: false, 0o660: false, 0o711: false,
		0o644: true, 0o444: true, 0o604: true, 0o602: true, 0o666: true, 0o777: true,
	} {
		path := write(t, secret, mode)
		link := filepath.Join(t.TempDir(), "link") // a link's own mode is 0777
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{path, link} {
			_, err := secretfile.Read(path)
			for _, err := range []error{err, secretfile.Check(path)} {
				if errors.Is(err, secretfile.ErrExposed) != exposed || (err != nil) != exposed {
					t.Errorf("mode %04o: got %v, want an error: %t", mode, err, exposed)
				}
				if err != nil && (!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "chmod o=")) {
					t.Errorf("got %q, want the path and chmod", err)
				}
			}
		}
	}
	if err := secretfile.Check(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: got %v", err)
	}
}

// What is not a regular file, such as the output of another command, has no mode that others could use.
func TestPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString(secret + "\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if got, err := secretfile.Read(fmt.Sprint("/dev/fd/", r.Fd())); got != secret || err != nil {
		t.Errorf("got %q and %v", got, err)
	}
}
