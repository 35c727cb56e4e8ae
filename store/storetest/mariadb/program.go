package mariadb

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A Kind is a kind of server. The kinds differ in how they are installed and started; registrar treats them alike.
type Kind string

// The kinds of servers.
const (
	MariaDB Kind = "MariaDB"
	MySQL   Kind = "MySQL" // 8.4 or later
)

// folderVariable is the environment variable with the folder in which .ci/mysql unpacks MySQL.
const folderVariable = "REGISTRAR_TEST_MYSQL_FOLDER"

// ErrMissing reports that a program that the tests need is not on this machine.
var ErrMissing = errors.New("not installed")

// Program returns the path of a server program of the kind k, or an error that is ErrMissing and says how to get one.
// MariaDB must be in PATH or /usr/sbin. MySQL may also be where .ci/mysql has unpacked it.
func Program(k Kind) (string, error) {
	for _, path := range k.candidates() {
		if found, err := exec.LookPath(path); err == nil && k.is(found) {
			return found, nil
		}
	}
	if k == MySQL {
		return "", fmt.Errorf("MySQL 8.4 or later is %w: it is not in PATH, /usr/sbin or %s; "+
			"make install fetches it on Debian", ErrMissing, Folder())
	}
	return "", fmt.Errorf("MariaDB is %w: it is not in PATH or /usr/sbin; make install installs it on Debian and Ubuntu",
		ErrMissing)
}

// candidates returns where a server of the kind may be. A mysqld may be either kind.
func (k Kind) candidates() (paths []string) {
	names := []string{"mariadbd", "mysqld"}
	if k == MySQL {
		names = []string{"mysqld"}
	}
	for _, name := range names {
		paths = append(paths, name, filepath.Join("/usr/sbin", name))
	}
	if k == MySQL {
		unpacked, _ := filepath.Glob(filepath.Join(Folder(), "*", "mysqld")) // the pattern is well-formed
		paths = append(paths, unpacked...)
	}
	return paths
}

var version = regexp.MustCompile(` Ver (\d+)\.(\d+)`)

// is reports whether a program, by its --version, is a server of the kind.
func (k Kind) is(program string) bool {
	out, err := exec.Command(program, "--version").Output()
	if err != nil {
		return false
	}
	if strings.Contains(string(out), "MariaDB") {
		return k == MariaDB
	}
	found := version.FindStringSubmatch(string(out))
	if k != MySQL || found == nil {
		return false
	}
	major, _ := strconv.Atoi(found[1])
	minor, _ := strconv.Atoi(found[2])
	return major > 8 || major == 8 && minor >= 4
}

// Folder returns the folder in which .ci/mysql unpacks MySQL, each version in a folder of its own: registrar/mysql in
// the user's cache folder, or what REGISTRAR_TEST_MYSQL_FOLDER names. It is "" if the user has no cache folder.
func Folder() string {
	if folder := os.Getenv(folderVariable); folder != "" {
		return folder
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "registrar", "mysql")
}

// KeepFolder makes Folder return what it returns now, in this process and in its children, even if the user's cache
// folder is another one later.
func KeepFolder() error { return os.Setenv(folderVariable, Folder()) }
