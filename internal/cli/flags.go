package cli

import (
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
	Listen         string             `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Public address. An empty host listens on all addresses. Default ${default}."`
	AdminListen    string             `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Address of the admin API. Beyond loopback it needs TLS or --admin-insecure. Default ${default}."`
	Issuer         string             `default:"http://localhost:8080" placeholder:"URL" help:"Issuer of the authorization server; https unless loopback. Default ${default}."`
	PublicURL      string             `name:"public-url" placeholder:"URL" help:"URL at which clients reach the public address; https unless loopback. Defaults to the issuer."`
	CORSOrigin     []string           `name:"cors-origin" default:"*" placeholder:"ORIGIN" help:"Origins whose pages may register clients; * allows all. The public endpoints use no cookies. Default ${default}."`
	RequestTimeout duration.Duration  `default:"3s" placeholder:"DURATION" help:"Time limit of a request, from its last byte to the response; uploads, deployments and replays have their own. Default ${default}."`
	Drain          *duration.Duration `placeholder:"DURATION" help:"Time between SIGTERM and the end of new connections, in which /readyz answers 503. Defaults to 0s if the public address is loopback, else to 5s."`
}

// proxyFlags say which proxies name the address of a client, and how.
type proxyFlags struct {
	TrustedProxy    []cidr                 `placeholder:"CIDR" help:"Proxies that are trusted to name a client's address; see --forwarded-header."`
	ForwardedHeader server.ForwardedHeader `default:"either" enum:"either,x-forwarded-for,forwarded" placeholder:"either|x-forwarded-for|forwarded" help:"Header in which trusted proxies name a client's address: X-Forwarded-For, Forwarded (RFC 7239), or either. If a request has both, either takes only an address that both name. Default ${default}."`
}

// databaseFlags name the database.
type databaseFlags struct {
	Database        string `secret:"database-url-file" default:"${database}" placeholder:"URL" help:"sqlite:FILE, or mysql: and a DSN such as mysql:user:password@tcp(db:3306)/registrar. Defaults to sqlite:registrar.db, in $$STATE_DIRECTORY if that is set."`
	DatabaseURLFile string `name:"database-url-file" placeholder:"FILE" help:"File that holds the value of --database, so that its password is no argument; also $$REGISTRAR_DATABASE_FILE."`
	DatabaseCA      string `name:"database-ca" placeholder:"FILE" help:"Authorities of which one issued the certificate of the MySQL server, PEM. Every connection then uses TLS, and checks the host name."`
}

// migrationFlags say whether the schema may be changed.
type migrationFlags struct {
	NoMigrate bool `help:"Do not migrate the database's schema; exit if it is out of date."`
}

// startupFlags say how long a start waits.
type startupFlags struct {
	StartupTimeout duration.Duration `default:"30s" placeholder:"DURATION" help:"Time for which a start waits for a database that cannot be reached; 0s means not at all. Default ${default}."`
}

// registrationFlags say who may register.
type registrationFlags struct {
	Registration  *string  `enum:"open,token" placeholder:"open|token" help:"Who may register: anyone, or callers with a token. Defaults to open, to this machine only, while public address, issuer and public URL are loopback and no proxy is trusted; else to token."`
	JWTIssuer     []string `name:"jwt-issuer" placeholder:"ISSUER=JWKS" help:"Issuers whose JWT access tokens may register clients, each with its keys: an https URL or a file."`
	JWTAudience   []string `name:"jwt-audience" placeholder:"[ISSUER=]AUDIENCE" help:"Audiences of which these tokens must have one (aud); none accepts tokens without an audience and for any, and needs --jwt-require. Defaults to the public URL."`
	JWTScope      string   `name:"jwt-scope" placeholder:"SCOPE" help:"Scope that these tokens must have. Required with --jwt-issuer."`
	JWTScopeClaim []string `name:"jwt-scope-claim" placeholder:"[ISSUER=]NAME" help:"Claims of these tokens that hold their scopes, such as roles. Defaults to scope and scp."`
	JWTRequire    []string `name:"jwt-require" placeholder:"[ISSUER=]CLAIM=VALUE" help:"Claims that these tokens must have, all of them, such as token_use=access. Default none."`
	RateLimit     float64  `default:"10" placeholder:"NUMBER" help:"Registrations per second from one address, with bursts of 200; 0 means no limit. Default ${default}."`
}

// managementFlags say what clients may do with their registrations (RFC 7592).
type managementFlags struct {
	Management              bool `default:"true" negatable:"" help:"Let clients read, update and delete their registrations (RFC 7592). Default ${default}."`
	RotateRegistrationToken bool `help:"Issue a new registration access token with each update. A client that misses the response is locked out."`
}

// engineFlags say what may be registered. A dry run takes them too, so that it answers as the server would.
type engineFlags struct {
	SecretLifetime        duration.Duration     `default:"0s" placeholder:"DURATION" help:"Lifetime of client secrets, such as 90d; 0 means that they never expire. Default ${default}."`
	ClientIDFormat        engine.ClientIDFormat `name:"client-id-format" default:"uuidv7" enum:"uuidv7,random" placeholder:"uuidv7|random" help:"Format of client IDs: UUIDs that sort by time, or 32 random bytes. Default ${default}."`
	DefaultScope          []string              `placeholder:"SCOPE" help:"Scopes of clients that would have none. Default none."`
	AllowedScope          []string              `placeholder:"SCOPE" help:"Scopes that clients may have; others are dropped. Default all."`
	EchoExtensions        []string              `placeholder:"NAME" help:"Unknown members to store and return; they may hold secrets. Default none."`
	AllowedGrantType      []string              `default:"${grant_types}" placeholder:"TYPE" help:"Grant types that clients may have. Default ${default}."`
	AllowedResponseType   []string              `default:"${response_types}" placeholder:"TYPE" help:"Response types that clients may have. Default ${default}."`
	UnsupportedValues     engine.Unsupported    `default:"narrow" enum:"narrow,refuse" placeholder:"narrow|refuse" help:"Drop the values of lists that this server does not offer, by flags or discovery document, or refuse the client. Default ${default}."`
	GrantResponseMismatch engine.Mismatch       `default:"auto" enum:"auto,correct,refuse" placeholder:"auto|correct|refuse" help:"Correct or refuse grant types and response types that do not match; auto corrects if the client sent only one of the two. Default ${default}."`
	MaxRedirectURIs       int                   `name:"max-redirect-uris" default:"200" placeholder:"NUMBER" help:"Maximum number of redirect URIs of a client. Default ${default}."`
	URIsOnRedirectHost    bool                  `name:"uris-on-redirect-host" help:"Require client_uri, logo_uri, tos_uri and policy_uri to be on the host of a redirect URI."`
	WebCustomScheme       engine.CustomScheme   `default:"refuse" enum:"refuse,native" placeholder:"refuse|native" help:"Refuse web clients with a redirect URI such as com.example.app:/cb, or make them native. Default ${default}."`
	WebLoopback           bool                  `default:"true" negatable:"" help:"Let web clients redirect to http on a loopback host. Default ${default}."`
	HTTPRedirectHost      []string              `name:"http-redirect-host" placeholder:"HOST|CIDR" help:"Hosts of a lab to which clients may redirect over http, as to loopback. Default none."`
	NativeScheme          engine.NativeScheme   `default:"any" enum:"any,reverse-domain" placeholder:"any|reverse-domain" help:"Custom schemes that native clients may use: any, or only those like com.example.app. Default ${default}."`
	AllowUnsignedIDToken  bool                  `name:"allow-unsigned-id-token" help:"Allow id_token_signed_response_alg none for clients that get ID tokens only from the token endpoint."`
	SigningAlg            []string              `default:"${signing_algs}" placeholder:"ALG" help:"Signature algorithms that the authorization server supports. Default ${default}."`
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
	ScriptMemory  memorySize        `default:"16MiB" placeholder:"SIZE" help:"Memory of each script in each registration, such as 16MiB; a multiple of 64KiB. Default ${default}."`
	ScriptPool    int               `default:"16" placeholder:"NUMBER" help:"Instances of each script to keep ready. Default ${default}."`
	ScriptCache   string            `placeholder:"DIR" help:"Folder of compiled modules, private to this user (0700). Defaults to one in $$CACHE_DIRECTORY, $$STATE_DIRECTORY or the user's cache folder."`
	ScriptFuel    int64             `default:"25000000" placeholder:"NUMBER" help:"Instructions that a script may run per step, unless its deployment says otherwise; per registration, four times as many. Default ${default}."`
	ScriptTimeout duration.Duration `default:"1s" placeholder:"DURATION" help:"Wall clock time of a script per step, excluding the step that it replaces. Default ${default}."`
}

// host checks the limits and returns them for a script host.
func (f *scriptFlags) host() (host.Config, error) {
	if f.ScriptTimeout <= 0 {
		return host.Config{}, fmt.Errorf("--script-timeout %s: must be above 0", f.ScriptTimeout)
	}
	if f.ScriptFuel < 1 || f.ScriptFuel > scripts.MaxFuel {
		return host.Config{}, fmt.Errorf("--script-fuel %d: must be 1 to %d", f.ScriptFuel, int64(scripts.MaxFuel))
	}
	if f.ScriptPool < 1 || f.ScriptPool > maxPool {
		return host.Config{}, fmt.Errorf("--script-pool %d: must be 1 to %d", f.ScriptPool, maxPool)
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
	MaxModules     int      `default:"500" placeholder:"NUMBER" help:"Maximum number of stored modules. Default ${default}."`
	MaxModulesSize byteSize `default:"1GiB" placeholder:"SIZE" help:"Maximum size of all stored modules together. Default ${default}."`
}

// logFlags say how the log is written to standard error.
type logFlags struct {
	LogFormat string     `default:"text" enum:"text,json" placeholder:"text|json" help:"Format of log lines. Default ${default}."`
	LogLevel  slog.Level `default:"info" placeholder:"debug|info|warn|error" help:"Lowest level to log. Default ${default}."`
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
