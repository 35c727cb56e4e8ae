package mariadb

import (
	"os"
	"path/filepath"
	"testing"
)

func TestKindOfAProgram(t *testing.T) {
	for version, want := range map[string]Kind{
		"mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)": MariaDB,
		"mysqld  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)":   MariaDB,
		"mysqld  Ver 9.7.4 for Linux on x86_64 ((Debian))":                                    MySQL,
		"/usr/sbin/mysqld  Ver 8.4.0 for Linux on aarch64 (MySQL Community Server - GPL)":     MySQL,
		"/usr/sbin/mysqld  Ver 8.0.41-0ubuntu0.24.04.1 for Linux on x86_64 ((Ubuntu))":        "",
		"mysqld  Ver 5.7.44 for Linux on x86_64 (MySQL Community Server (GPL))":               "",
		"something else": "",
	} {
		program := filepath.Join(t.TempDir(), "mysqld")
		if err := os.WriteFile(program, []byte("#!/bin/sh\necho '"+version+"'\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, k := range []Kind{MariaDB, MySQL} {
			if got := k.is(program); got != (k == want) {
				t.Errorf("%s is %s: got %t, want %t", version, k, got, k == want)
			}
		}
	}
}

// The folder of unpacked servers stays where it is, although tests move the user's cache folder.
func TestKeepFolder(t *testing.T) {
	t.Setenv(folderVariable, "")
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	if err := KeepFolder(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", "/elsewhere")
	if got, want := Folder(), filepath.Join("/somewhere", "registrar", "mysql"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
