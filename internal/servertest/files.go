package servertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"registrar/store/storetest/mariadb"
)

// Isolate makes a test run independent of the developer's environment. It unsets registrar's environment variables and
// moves the cache of compiled modules to a temporary folder, which it returns. Call it in TestMain; remove deletes the
// folder.
func Isolate() (folder string, remove func(), err error) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "REGISTRAR_") && !strings.HasPrefix(name, "REGISTRAR_TEST_") ||
			name == "STATE_DIRECTORY" {
			os.Unsetenv(name)
		}
	}
	if folder, err = os.MkdirTemp("", "registrar-test-"); err != nil {
		return "", nil, err
	}
	if cache, err := os.UserCacheDir(); err == nil && os.Getenv("GOCACHE") == "" {
		os.Setenv("GOCACHE", filepath.Join(cache, "go-build")) // keep go build's cache
	}
	if err := mariadb.KeepFolder(); err != nil {
		return "", nil, err
	}
	os.Setenv("XDG_CACHE_HOME", folder)
	return folder, func() { os.RemoveAll(folder) }, nil
}

// File creates a file in a temporary folder and returns its path.
func File(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Files returns the names of the entries of a folder.
func Files(t testing.TB, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
