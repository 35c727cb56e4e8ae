package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"registrar/internal/netrule"
	"registrar/internal/token"
)

// adminTokenFlags say where the admin token comes from.
type adminTokenFlags struct {
	AdminTokenFile string `placeholder:"FILE" help:"${admin_token_file}"`
}

// configured returns the token that the operator configured, "" if none.
func (f *adminTokenFlags) configured() (string, error) {
	configured, inEnvironment := os.LookupEnv(token.AdminVariable)
	switch {
	case inEnvironment && f.AdminTokenFile != "":
		return "", fmt.Errorf("%s and --admin-token-file exclude each other", token.AdminVariable)
	case inEnvironment:
		if err := token.CheckAdmin(configured); err != nil {
			return "", fmt.Errorf("%s: %w", token.AdminVariable, err)
		}
		return configured, nil
	case f.AdminTokenFile != "":
		return token.ReadFile(f.AdminTokenFile)
	}
	return "", nil
}

// forServer returns the token for a server: the configured one, else that of registrar.token in $STATE_DIRECTORY or the
// working directory, which is sent only to loopback hosts.
func (f *adminTokenFlags) forServer(host string) (string, error) {
	configured, err := f.configured()
	if configured != "" || err != nil {
		return configured, err
	}
	for _, folder := range tokenFolders() {
		path := filepath.Join(folder, token.AdminFile)
		found, err := token.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", err
		case !netrule.IsLoopback(host):
			return "", fmt.Errorf("the admin token in %s is sent only to loopback by default: "+
				"to send it to %s, use --admin-token-file %s", path, host, path)
		}
		return found, nil
	}
	return "", fmt.Errorf("%w: there is no %s in %s, where the server's first start writes it unless its "+
		"database is a SQLite file elsewhere; run this there, or set %s or --admin-token-file",
		errNoToken, token.AdminFile, lookedIn(), token.AdminVariable)
}

var errNoToken = errors.New("no admin token")

// tokenFolders returns the folders where a command looks for the token of the server's first start.
func tokenFolders() []string { return slices.Compact([]string{stateFolder(), "."}) }

// lookedIn returns the absolute paths of tokenFolders, for people.
func lookedIn() string {
	var folders []string
	for _, folder := range tokenFolders() {
		if absolute, err := filepath.Abs(folder); err == nil {
			folder = absolute
		}
		folders = append(folders, folder)
	}
	return strings.Join(folders, " or ")
}

// tokenFolder returns the folder of the first start's token: that of the SQLite file, else [stateFolder].
func tokenFolder(database string) string {
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		return filepath.Dir(path)
	}
	return stateFolder()
}

// stateFolder returns the first of $STATE_DIRECTORY, which systemd sets, else the working directory.
func stateFolder() string {
	folder, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if folder == "" {
		return "."
	}
	return folder
}
