package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"registrar/engine"
	"registrar/internal/duration"
	"registrar/scripts"
	"registrar/scripts/host"
	"registrar/scripts/sandbox"
	"registrar/server"
)

// serverFlags are the flags of serve and check.
type serverFlags struct {
	listenFlags        `group:"Listening:"`
	tlsFlags           `group:"Listening:"`
	proxyFlags         `group:"Listening:"`
	databaseFlags      `group:"Database:"`
	migrationFlags     `group:"Database:"`
	startupFlags       `group:"Database:"`
	registrationFlags  `group:"Who may register:"`
	managementFlags    `group:"Management by clients:"`
	engineFlags        `group:"What may be registered:"`
	documentFlags      `group:"External documents:"`
	scriptFlags        `group:"Scripts:"`
	signingFlags       `group:"Scripts:"`
	moduleFlags        `group:"Scripts:"`
	adminTokenFlags    `group:"Administration:"`
	administratorFlags `group:"Administration:"`
	logFlags           `group:"Log:"`
	traceFlags         `group:"Traces:"`
}

// listenFlags say where the server listens and how it is reached.
type listenFlags struct {
	Listen         string             `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"${listen}"`
	AdminListen    string             `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"${admin_listen}"`
	Issuer         string             `default:"http://localhost:8080" placeholder:"URL" help:"${issuer}"`
	PublicURL      string             `name:"public-url" placeholder:"URL" help:"${public_url}"`
	CORSOrigin     []string           `name:"cors-origin" default:"*" placeholder:"ORIGIN" help:"${cors_origin}"`
	RequestTimeout duration.Duration  `default:"3s" placeholder:"DURATION" help:"${request_timeout}"`
	Drain          *duration.Duration `placeholder:"DURATION" help:"${drain}"`
}

// proxyFlags say which proxies name the address of a client, and how.
type proxyFlags struct {
	TrustedProxy []cidr `placeholder:"CIDR" help:"${trusted_proxy}"`

	ForwardedHeader server.ForwardedHeader `default:"either" enum:"either,x-forwarded-for,forwarded" help:"${forwarded}"`
}

// databaseFlags name the database.
type databaseFlags struct {
	Database        string `secret:"database-url-file" default:"${database}" placeholder:"URL" help:"${database_help}"`
	DatabaseURLFile string `name:"database-url-file" placeholder:"FILE" help:"${database_url_file}"`
	DatabaseCA      string `name:"database-ca" placeholder:"FILE" help:"${database_ca}"`
}

// migrationFlags say whether the schema may be changed.
type migrationFlags struct {
	NoMigrate bool `help:"Do not migrate the database's schema; exit if it is out of date."`
}

// startupFlags say how long a start waits.
type startupFlags struct {
	StartupTimeout duration.Duration `default:"30s" placeholder:"DURATION" help:"${startup_timeout}"`
}

// registrationFlags say who may register.
type registrationFlags struct {
	Registration  *string  `enum:"open,token" help:"${registration}"`
	JWTIssuer     []string `name:"jwt-issuer" placeholder:"ISSUER=JWKS" help:"${jwt_issuer}"`
	JWTAudience   []string `name:"jwt-audience" placeholder:"[ISSUER=]AUDIENCE" help:"${jwt_audience}"`
	JWTScope      string   `name:"jwt-scope" placeholder:"SCOPE" help:"${jwt_scope}"`
	JWTScopeClaim []string `name:"jwt-scope-claim" placeholder:"[ISSUER=]NAME" help:"${jwt_scope_claim}"`
	JWTRequire    []string `name:"jwt-require" placeholder:"[ISSUER=]CLAIM=VALUE" help:"${jwt_require}"`
	RateLimit     float64  `default:"10" placeholder:"NUMBER" help:"${rate_limit}"`
}

// managementFlags say what clients may do with their registrations (RFC 7592).
type managementFlags struct {
	Management              bool `default:"true" negatable:"" help:"${management}"`
	RotateRegistrationToken bool `help:"${rotate_registration_token}"`
}

// engineFlags say what may be registered. A dry run takes them too, so that it answers as the server would.
type engineFlags struct {
	SecretLifetime duration.Duration `default:"0s" placeholder:"DURATION" help:"${secret_lifetime}"`

	ClientIDFormat engine.ClientIDFormat `name:"client-id-format" default:"uuidv7" enum:"uuidv7,random" help:"${ids}"`

	DefaultScope        []string `placeholder:"SCOPE" help:"${default_scope}"`
	AllowedScope        []string `placeholder:"SCOPE" help:"${allowed_scope}"`
	EchoExtensions      []string `placeholder:"NAME" help:"${echo_extensions}"`
	AllowedGrantType    []string `default:"${grant_types}" placeholder:"TYPE" help:"${allowed_grant_type}"`
	AllowedResponseType []string `default:"${response_types}" placeholder:"TYPE" help:"${allowed_response_type}"`

	UnsupportedValues     engine.Unsupported `default:"narrow" enum:"narrow,refuse" help:"${unsupported_values}"`
	GrantResponseMismatch engine.Mismatch    `default:"auto" enum:"auto,correct,refuse" help:"${grant_response_mismatch}"`

	MaxRedirectURIs    int  `name:"max-redirect-uris" default:"200" placeholder:"NUMBER" help:"${max_redirect_uris}"`
	URIsOnRedirectHost bool `name:"uris-on-redirect-host" help:"${uris_on_redirect_host}"`

	WebCustomScheme engine.CustomScheme `default:"refuse" enum:"refuse,native" help:"${web_custom_scheme}"`
	WebLoopback     bool                `default:"true" negatable:"" help:"${web_loopback}"`

	HTTPRedirectHost []string `name:"http-redirect-host" placeholder:"HOST|CIDR" help:"${http_redirect_host}"`

	NativeScheme engine.NativeScheme `default:"any" enum:"any,reverse-domain" help:"${native_scheme}"`

	AllowUnsignedIDToken bool     `name:"allow-unsigned-id-token" help:"${allow_unsigned_id_token}"`
	SigningAlg           []string `default:"${signing_algs}" placeholder:"ALG" help:"${signing_alg}"`
}

func (f *engineFlags) options() engine.Options {
	return engine.Options{
		SecretLifetime:        time.Duration(f.SecretLifetime),
		ClientIDFormat:        f.ClientIDFormat,
		DefaultScopes:         f.DefaultScope,
		AllowedScopes:         f.AllowedScope,
		AllowedGrantTypes:     f.AllowedGrantType,
		AllowedResponseTypes:  f.AllowedResponseType,
		UnsupportedValues:     f.UnsupportedValues,
		GrantResponseMismatch: f.GrantResponseMismatch,
		MaxRedirectURIs:       f.MaxRedirectURIs,
		URIsOnRedirectHost:    f.URIsOnRedirectHost,
		WebCustomScheme:       f.WebCustomScheme,
		RefuseWebLoopback:     !f.WebLoopback,
		HTTPRedirectHosts:     f.HTTPRedirectHost,
		NativeScheme:          f.NativeScheme,
		AllowUnsignedIDToken:  f.AllowUnsignedIDToken,
		SigningAlgs:           f.SigningAlg,
		EchoExtensions:        f.EchoExtensions,
	}
}

// scriptFlags bound what scripts may use.
type scriptFlags struct {
	ScriptMemory  memorySize        `default:"16MiB" placeholder:"SIZE" help:"${script_memory}"`
	ScriptPool    int               `default:"16" placeholder:"NUMBER" help:"${script_pool}"`
	ScriptCache   string            `placeholder:"DIR" help:"${script_cache}"`
	ScriptFuel    int64             `default:"25000000" placeholder:"NUMBER" help:"${script_fuel}"`
	ScriptTimeout duration.Duration `default:"1s" placeholder:"DURATION" help:"${script_timeout}"`
}

// host checks the limits and returns them for a script host.
func (f *scriptFlags) host() (host.Config, error) {
	var invalid []error
	if f.ScriptTimeout <= 0 {
		invalid = append(invalid, fmt.Errorf("--script-timeout %s: must be above 0", f.ScriptTimeout))
	}
	if f.ScriptFuel < 1 || f.ScriptFuel > scripts.MaxFuel {
		invalid = append(invalid,
			fmt.Errorf("--script-fuel %d: must be 1 to %d", f.ScriptFuel, int64(scripts.MaxFuel)))
	}
	if f.ScriptPool < 1 || f.ScriptPool > maxPool {
		invalid = append(invalid, fmt.Errorf("--script-pool %d: must be 1 to %d", f.ScriptPool, maxPool))
	}
	if err := errors.Join(invalid...); err != nil {
		return host.Config{}, err
	}
	return host.Config{Config: sandbox.Config{
		MemoryPages: f.ScriptMemory.pages(),
		StepFuel:    f.ScriptFuel,
		StepTimeout: time.Duration(f.ScriptTimeout),
		Pool:        f.ScriptPool,
		CacheFolder: f.cache(),
	}}, nil
}

const maxPool = 10_000 // instances

// cache returns the folder of compiled modules; "" means a temporary one.
func (f *scriptFlags) cache() string {
	if f.ScriptCache != "" {
		return f.ScriptCache
	}
	for _, variable := range []string{"CACHE_DIRECTORY", "STATE_DIRECTORY"} { // systemd's
		if folder, _, _ := strings.Cut(os.Getenv(variable), ":"); folder != "" {
			return filepath.Join(folder, "registrar-scripts")
		}
	}
	if folder, err := os.UserCacheDir(); err == nil {
		return filepath.Join(folder, "registrar-scripts")
	}
	return ""
}

// moduleFlags bound what is stored of modules.
type moduleFlags struct {
	MaxModules     int      `default:"500" placeholder:"NUMBER" help:"${max_modules}"`
	MaxModulesSize byteSize `default:"1GiB" placeholder:"SIZE" help:"${max_modules_size}"`
}

// logFlags say how the log is written to standard error.
type logFlags struct {
	LogFormat string     `default:"text" enum:"text,json" help:"${log_format}"`
	LogLevel  slog.Level `default:"info" placeholder:"debug|info|warn|error" help:"${log_level}"`
}

// handler returns the log's handler.
func (f *logFlags) handler(w io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

// A cidr is a range of addresses.
type cidr struct{ netip.Prefix }

// UnmarshalText reads a range such as 10.0.0.0/8, or a single address.
func (c *cidr) UnmarshalText(b []byte) error {
	prefix, err := netip.ParsePrefix(string(b))
	if addr, single := netip.ParseAddr(string(b)); single == nil {
		prefix, err = addr.Unmap().WithZone("").Prefix(addr.Unmap().BitLen())
	}
	if err != nil {
		return fmt.Errorf("%q is not an address range such as 10.0.0.0/8", b)
	}
	c.Prefix = prefix.Masked()
	return nil
}

// A memorySize is an amount of memory in bytes: whole pages of WebAssembly, from one to 4 GiB.
type memorySize uint64

// UnmarshalText reads 16MiB, 512KiB, 1GiB, or a number of bytes.
func (m *memorySize) UnmarshalText(b []byte) error {
	n, err := parseSize(string(b))
	if err != nil {
		return err
	}
	if n == 0 || n%sandbox.PageSize != 0 || n/sandbox.PageSize > sandbox.MaxMemoryPages {
		return fmt.Errorf("%q: it must be whole pages of 64KiB, from 64KiB to 4GiB", b)
	}
	*m = memorySize(n)
	return nil
}

func (m memorySize) pages() uint32 { return uint32(m / sandbox.PageSize) }
