// Package secretfile reads files that hold one secret, such as a token, or the URL of a database with its password.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// maxSize bounds a secret, in bytes.
const maxSize = 64 << 10

// ErrExposed reports that every user of the machine may read or change a file.
var ErrExposed = errors.New("every user of this machine may read or change it")

// Read returns the secret in a file: its content without one line break at the end, \n or \r\n. It is an error if the
// file is empty, has several lines, is larger than 64 KiB, or is exposed (see [Check]). Errors name the file, and quote
// nothing of it.
func Read(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if err := check(path, info); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return "", err
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > maxSize:
		return "", fmt.Errorf("%s: a secret has at most %d bytes", path, maxSize)
	case secret == "":
		return "", fmt.Errorf("%s: the file is empty", path)
	case strings.ContainsAny(secret, "\r\n"):
		return "", fmt.Errorf("%s: the file has several lines, but a secret has one", path)
	}
	return secret, nil
}

// Check returns an error that matches [ErrExposed] if users other than the owner and the group of a file may read it or
// write to it. A group may, since that is how an orchestrator gives a secret to a server that does not run as root.
// Only regular files are checked, and none on Windows, where a mode tells nothing about other users.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return check(path, info)
}

func check(path string, info fs.FileInfo) error {
	const others = 0o006 // read and write
	if !info.Mode().IsRegular() || info.Mode()&others == 0 || runtime.GOOS == "windows" {
		return nil
	}
	return fmt.Errorf("%s: %w (mode %04o): chmod o= %s", path, ErrExposed, info.Mode().Perm(), path)
}
