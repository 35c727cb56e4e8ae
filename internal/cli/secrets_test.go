package cli

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"registrar/internal/servertest"
)

// The value of a flag that holds a secret may be in a file, whichever way names the file.
func TestSecretInAFile(t *testing.T) {
	const password = "correct-horse"
	const url = "mysql:registrar:" + password + "@tcp(db:3306)/registrar"
	for _, tt := range []struct {
		name        string
		args        []string
		environment map[string]string
		config      string
		want        string
		refused     []string // parts of the error
	}{
		{name: "none", want: "sqlite:registrar.db"},
		{name: "a flag", args: []string{"--database-url-file=FILE"}, want: url},
		{name: "a variable", environment: map[string]string{"REGISTRAR_DATABASE_FILE": "FILE"}, want: url},
		{name: "the variable of the flag", environment: map[string]string{"REGISTRAR_DATABASE_URL_FILE": "FILE"},
			want: url},
		{name: "a member", config: "database-url-file: FILE", want: url},
		{name: "a flag before a member", args: []string{"--database-url-file=FILE"}, config: "database-url-file: /none",
			want: url},
		{name: "a flag before its variable", args: []string{"--database-url-file=FILE"},
			environment: map[string]string{"REGISTRAR_DATABASE_URL_FILE": "/none"}, want: url},

		{name: "flag and flag", args: []string{"--database=" + url, "--database-url-file=FILE"},
			refused: []string{"--database and --database-url-file exclude each other"}},
		{name: "variable and variable", environment: map[string]string{"REGISTRAR_DATABASE": url,
			"REGISTRAR_DATABASE_FILE": "FILE"},
			refused: []string{"REGISTRAR_DATABASE and REGISTRAR_DATABASE_FILE exclude each other"}},
		{name: "flag and variable", args: []string{"--database=" + url},
			environment: map[string]string{"REGISTRAR_DATABASE_FILE": "FILE"},
			refused:     []string{"--database and REGISTRAR_DATABASE_FILE exclude"}},
		{name: "member and flag", config: "database: " + url, args: []string{"--database-url-file=FILE"},
			refused: []string{"database in the configuration file and --database-url-file exclude"}},
		{name: "member and member", config: "database: " + url + "\ndatabase-url-file: FILE",
			refused: []string{"database in the configuration file and database-url-file in the configuration file"}},
		{name: "two files", environment: map[string]string{"REGISTRAR_DATABASE_URL_FILE": "FILE",
			"REGISTRAR_DATABASE_FILE": "FILE"},
			refused: []string{"REGISTRAR_DATABASE_URL_FILE and REGISTRAR_DATABASE_FILE exclude"}},
		{name: "an empty value and a file", environment: map[string]string{"REGISTRAR_DATABASE": "",
			"REGISTRAR_DATABASE_FILE": "FILE"},
			refused: []string{"REGISTRAR_DATABASE and REGISTRAR_DATABASE_FILE exclude"}},

		{name: "no file", args: []string{"--database-url-file=/none"},
			refused: []string{"--database-url-file: open /none"}},
		{name: "no name", environment: map[string]string{"REGISTRAR_DATABASE_FILE": ""},
			refused: []string{"REGISTRAR_DATABASE_FILE: must name a file"}},
		{name: "no name of the flag", environment: map[string]string{"REGISTRAR_DATABASE_URL_FILE": ""},
			refused: []string{"REGISTRAR_DATABASE_URL_FILE: must name a file"}},
		{name: "an empty file", args: []string{"--database-url-file=EMPTY"},
			refused: []string{"--database-url-file: ", "the file is empty"}},
		{name: "a file of everyone", args: []string{"--database-url-file=OPEN"},
			refused: []string{"--database-url-file: ", "every user of this machine", "chmod o= "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			public := servertest.File(t, "open", url)
			if err := os.Chmod(public, 0o644); err != nil {
				t.Fatal(err)
			}
			files := strings.NewReplacer("FILE", servertest.File(t, "url", url+"\n"), "EMPTY",
				servertest.File(t, "empty", "\n"),
				"OPEN", public)
			for name, value := range tt.environment {
				t.Setenv(name, files.Replace(value))
			}
			for _, command := range []string{"serve", "check", "migrate"} {
				args := []string{command}
				for _, arg := range tt.args {
					flag, value, _ := strings.Cut(arg, "=")
					args = append(args, flag+"="+files.Replace(value))
				}
				if tt.config != "" {
					args = append(args, "--config="+servertest.File(t, "config.yaml", files.Replace(tt.config)+"\n"))
				}
				commands, err := parse(t, args...)
				if (err == nil) != (tt.refused == nil) {
					t.Fatalf("%s: got %v", command, err)
				}
				if err != nil {
					for _, part := range tt.refused {
						if !strings.Contains(err.Error(), part) {
							t.Errorf("got %q, want %q in it", err, part)
						}
					}
					if strings.Contains(err.Error(), password) {
						t.Errorf("%q quotes the secret", err)
					}
					continue
				}
				got := map[string]string{"serve": commands.Serve.Database, "check": commands.Check.Database,
					"migrate": commands.Migrate.Database}[command]
				if got != tt.want {
					t.Errorf("%s: got %q, want %q", command, got, tt.want)
				}
			}
		})
	}
}

// A secret that does not parse is not quoted, and exits like other mistakes of a configuration.
func TestSecretThatDoesNotParse(t *testing.T) {
	for _, command := range []string{"serve", "check", "migrate"} {
		r := runHere(t, command, "--database-url-file="+servertest.File(t, "url", "correct-horse\nbattery"))
		if r.code != exitUsage || !strings.Contains(r.err, "several lines") ||
			strings.Contains(r.err, "correct-horse") {
			t.Errorf("%s: exit code %d: %s", command, r.code, r.err)
		}
	}
	r := runHere(t, "migrate", "--database-url-file="+servertest.File(t, "url", "correct-horse"))
	if r.code != exitFailed || !strings.Contains(r.err, "sqlite:FILE") || strings.Contains(r.err, "correct-horse") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// Each flag whose name sounds like a secret takes a file, or is known to hold none.
func TestEverySecretMayBeInAFile(t *testing.T) {
	public := []string{ // what sounds like a secret, and is none
		"secret-lifetime", "rotate-registration-token", "allow-unsigned-id-token", "script-signing-key", "tls-key",
		"admin-tls-key", "tls-client-key", "database-ca", "caller-token-id",
	}
	k, err := newParser(&cli{}, &console{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		flag, ok := node.(*kong.Flag)
		if !ok || strings.HasSuffix(flag.Name, "-file") || slices.Contains(public, flag.Name) {
			return next(nil)
		}
		for _, word := range []string{"secret", "token", "password", "key", "database", "dsn", "credential"} {
			if strings.Contains(flag.Name, word) && !flag.Tag.Has(secretTag) {
				t.Errorf("--%s may hold a secret: tag it with secret, or list it here", flag.Name)
			}
		}
		if !flag.Tag.Has(secretTag) {
			return next(nil)
		}
		seen++
		if file := flag.Tag.Get(secretTag); !slices.Contains(flagNames(k.Model.Node), file) {
			t.Errorf("--%s: there is no flag --%s", flag.Name, file)
		}
		if fileVariable(flag) != "REGISTRAR_DATABASE_FILE" {
			t.Errorf("--%s: its file is named by %s", flag.Name, fileVariable(flag))
		}
		return next(nil)
	})
	if err != nil || seen != 4 {
		t.Errorf("saw %d secrets, want --database of serve, check, migrate and admin-token reset: %v", seen, err)
	}
}
