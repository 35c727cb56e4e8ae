package cli

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/internal/servertest"
)

func TestFlagComesBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	file := servertest.File(t, "config.yaml",
		"secret-lifetime: 1h\nallowed-scope: [file, \"a,b\"]\nweb-loopback: false\n")
	for _, tt := range []struct {
		name      string
		file, env bool
		args      []string
		lifetime  time.Duration
		scopes    []string
		loopback  bool
	}{
		{name: "default", loopback: true},
		{name: "file", file: true, lifetime: time.Hour, scopes: []string{"file", "a,b"}},
		{name: "environment", env: true, lifetime: 2 * time.Hour, scopes: []string{"env", "two"}, loopback: true},
		{name: "environment before file", file: true, env: true, lifetime: 2 * time.Hour,
			scopes: []string{"env", "two"}, loopback: true},
		{name: "flag before everything", file: true, env: true,
			args:     []string{"--secret-lifetime=3h", "--allowed-scope=flag", "--allowed-scope=more", "--no-web-loopback"},
			lifetime: 3 * time.Hour, scopes: []string{"flag", "more"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.env {
				t.Setenv("REGISTRAR_SECRET_LIFETIME", "2h")
				t.Setenv("REGISTRAR_ALLOWED_SCOPE", "env,two")
				t.Setenv("REGISTRAR_WEB_LOOPBACK", "true")
			}
			args := append([]string{"serve"}, tt.args...)
			if tt.file {
				args = append(args, "--config", file)
			}
			commands, err := parse(t, args...)
			if err != nil {
				t.Fatal(err)
			}
			got := commands.Serve
			if time.Duration(got.SecretLifetime) != tt.lifetime || got.WebLoopback != tt.loopback {
				t.Errorf("got %v and %v, want %v and %v", got.SecretLifetime, got.WebLoopback, tt.lifetime, tt.loopback)
			}
			if diff := cmp.Diff(tt.scopes, got.AllowedScope); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfigFileIsNamedByTheEnvironmentToo(t *testing.T) {
	t.Setenv("REGISTRAR_CONFIG", servertest.File(t, "config.yaml", "listen: 127.0.0.1:9999\n"))
	commands, err := parse(t, "serve")
	if err != nil {
		t.Fatal(err)
	}
	if got := commands.Serve.Listen; got != "127.0.0.1:9999" {
		t.Errorf("got %s", got)
	}
}

func TestEveryFlagIsAVariableAndAMember(t *testing.T) {
	k, err := newParser(&cli{}, &console{})
	if err != nil {
		t.Fatal(err)
	}
	names := flagNames(k.Model.Node)
	seen := 0
	err = kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		flag, ok := node.(*kong.Flag)
		if !ok || flag.Name == "help" {
			return next(nil)
		}
		seen++
		want := []string{"REGISTRAR_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))}
		if diff := cmp.Diff(want, flag.Envs); diff != "" {
			t.Errorf("--%s: %s", flag.Name, diff)
		}
		if _, err := parseConfig([]byte(flag.Name+": x"), names); err != nil && flag.Name != "config" {
			t.Errorf("--%s is not a member: %v", flag.Name, err)
		}
		return next(nil)
	})
	if err != nil || seen < 40 {
		t.Errorf("saw %d flags: %v", seen, err)
	}
}

func TestConfigFile(t *testing.T) {
	known := []string{"database", "listen", "rate-limit", "web-loopback", "allowed-scope"}
	one := func(s string) member { return member{values: []string{s}} }
	for _, tt := range []struct {
		name string
		yaml string
		want map[string]member
	}{
		{"empty", "", map[string]member{}},
		{"only comments", "# nothing\n", map[string]member{}},
		{"strings", "database: sqlite:x.db\nlisten: \":8080\"\n",
			map[string]member{"database": one("sqlite:x.db"), "listen": one(":8080")}},
		{"numbers and booleans stay as written", "rate-limit: 1e1\nweb-loopback: false\nlisten: 0010\n",
			map[string]member{"rate-limit": one("1e1"), "web-loopback": one("false"), "listen": one("0010")}},
		{"a list", "allowed-scope:\n- a\n- 1\n",
			map[string]member{"allowed-scope": {values: []string{"a", "1"}, list: true}}},
		{"a list on one line", "allowed-scope: [a, 'b c']",
			map[string]member{"allowed-scope": {values: []string{"a", "b c"}, list: true}}},
		{"an empty list", "allowed-scope: []", map[string]member{"allowed-scope": {values: []string{}, list: true}}},
		{"several lines", "database: |-\n  mysql:x\n", map[string]member{"database": one("mysql:x")}},
		{"a quoted name", "\"listen\": x", map[string]member{"listen": one("x")}},
		{"JSON", `{"listen": "x", "allowed-scope": ["a"]}`,
			map[string]member{"listen": one("x"), "allowed-scope": {values: []string{"a"}, list: true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseConfig([]byte(tt.yaml), known)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(member{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfigFileRefusals(t *testing.T) {
	const password = "correct-horse"
	known := []string{"database", "listen", "rate-limit", "web-loopback", "allowed-scope"}
	for _, tt := range []struct{ name, yaml, want string }{
		{"an unknown member", "listen: x\nlistn: y", `line 2: unknown member "listn", did you mean "listen"?`},
		{"an underscore", "rate_limit: 5", `unknown member "rate_limit", did you mean "rate-limit"?`},
		{"capitals", "rateLimit: 5", `did you mean "rate-limit"?`},
		{"a negation", "no-web-loopback: true", `did you mean "web-loopback: false"?`},
		{"nothing like it", "colour: red", `line 1: unknown member "colour"`},
		{"no value", "database:", "line 1: database must be one value or a list of values"},
		{"null", "database: null", "database must be one value"},
		{"a mapping", "database: {password: " + password + "}", "database must be one value"},
		{"a list of lists", "allowed-scope: [[a]]", "allowed-scope must be one value or a list"},
		{"an alias", "listen: &x a\ndatabase: *x", "must be one value"},
		{"given twice", "listen: a\nlisten: b", "listen"},
		{"not a mapping", "- listen", "must be one YAML mapping"},
		{"a word", "listen", "must be one YAML mapping"},
		{"two documents", "listen: a\n---\nlisten: b", "must be one YAML mapping"},
		{"not YAML", "database: \"mysql:" + password, "line 1: not valid YAML"},
		{"a tab", "database: x\n\tlisten: " + password, "not valid YAML"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseConfig([]byte(tt.yaml), known)
			if err == nil {
				t.Fatalf("got %v", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q in it", err, tt.want)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("%q quotes a value", err)
			}
		})
	}
}

func TestListIsRefusedForASingleValue(t *testing.T) {
	_, err := parse(t, "serve", "--config", servertest.File(t, "config.yaml", "listen: [a, b]\n"))
	if err == nil || !strings.Contains(err.Error(), "--listen: ") {
		t.Errorf("got %v", err)
	}
}

// Each option of the engine has a flag that sets it.
func TestEngineFlagsSetEveryOption(t *testing.T) {
	keys := servertest.File(t, "jwks.json",
		`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`)
	plain, err := parse(t, "serve")
	if err != nil {
		t.Fatal(err)
	}
	changed, err := parse(t, "serve", "--secret-lifetime=90d", "--client-id-format=random",
		"--default-scope=a", "--allowed-scope=a,b", "--allowed-grant-type=authorization_code",
		"--allowed-response-type=code id_token", "--unsupported-values=refuse", "--max-redirect-uris=1",
		"--grant-response-mismatch=refuse", "--uris-on-redirect-host",
		"--web-custom-scheme=native", "--no-web-loopback", "--native-scheme=reverse-domain",
		"--http-redirect-host=lab.example",
		"--allow-unsigned-id-token", "--signing-alg=ES256", "--echo-extensions=x,y", "--fetch-jwks-uri",
		"--metadata-documents", "--document-require=client_name",
		"--require-software-statement", "--trusted-issuer=board="+keys, "--issuer=https://auth.example",
		"--no-management", "--rotate-registration-token")
	if err != nil {
		t.Fatal(err)
	}
	options := func(commands *cli) engine.Options {
		c, err := commands.Serve.parse(slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Engine.Options
	}
	before, after := reflect.ValueOf(options(plain)), reflect.ValueOf(options(changed))
	for i := range before.NumField() {
		if reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
			t.Errorf("no flag sets %s", before.Type().Field(i).Name)
		}
	}
	const base = "http://localhost:8080"
	want := engine.Options{
		ClientIDFormat:        engine.ClientIDUUIDv7,
		AllowedGrantTypes:     engine.DefaultGrantTypes(),
		AllowedResponseTypes:  engine.DefaultResponseTypes(),
		UnsupportedValues:     engine.UnsupportedNarrow,
		GrantResponseMismatch: engine.MismatchAuto,
		MaxRedirectURIs:       engine.DefaultMaxRedirectURIs,
		WebCustomScheme:       engine.CustomSchemeRefuse,
		NativeScheme:          engine.NativeSchemeAny,
		SigningAlgs:           engine.DefaultSigningAlgs(),
		RegistrationEndpoint:  base + "/register",
		StatementAudiences:    []string{base, base, base + "/register"},
	}
	if diff := cmp.Diff(want, options(plain)); diff != "" {
		t.Errorf("the defaults of the flags are not the engine's: %s", diff)
	}
}
