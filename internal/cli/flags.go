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
	"registrar/scripts/host"
	"registrar/scripts/sandbox"
)

// serverFlags are what serve runs with and check checks.
type serverFlags struct {
	listenFlags       `group:"Listening:"`
	databaseFlags     `group:"Database:"`
	migrationFlags    `group:"Database:"`
	registrationFlags `group:"Who may register:"`
	managementFlags   `group:"Management by clients:"`
	engineFlags       `group:"What may be registered:"`
	documentFlags     `group:"Documents of others:"`
	scriptFlags       `group:"Scripts:"`
	signingFlags      `group:"Scripts:"`
	moduleFlags       `group:"Scripts:"`
	adminTokenFlags   `group:"Administration:"`
	logFlags          `group:"Log:"`
}

// listenFlags are where the server listens and how it is reached.
type listenFlags struct {
	Listen         string            `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Public address. An empty host means every address of this machine. Default ${default}."`
	AdminListen    string            `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Address of the admin API, which speaks plain HTTP. Default ${default}."`
	Issuer         string            `default:"http://localhost:8080" placeholder:"URL" help:"Issuer of the authorization server; https unless loopback. Default ${default}."`
	PublicURL      string            `name:"public-url" placeholder:"URL" help:"URL under which clients reach the public address; https unless loopback. The issuer unless given."`
	TLSCert        string            `name:"tls-cert" and:"tls" placeholder:"FILE" help:"Certificate chain of the public address, PEM. Without one it speaks plain HTTP."`
	TLSKey         string            `name:"tls-key" and:"tls" placeholder:"FILE" help:"Private key of the certificate, PEM."`
	TrustedProxy   []cidr            `placeholder:"CIDR" help:"Addresses of proxies whose X-Forwarded-For is believed."`
	CORSOrigin     []string          `name:"cors-origin" default:"*" placeholder:"ORIGIN" help:"Origins whose pages may register from a browser; * means every one, since the public endpoints take no cookies. Default ${default}."`
	RequestTimeout duration.Duration `default:"3s" placeholder:"DURATION" help:"How long a registration may take, from its last byte to its answer. Default ${default}."`
}

// databaseFlags are where everything is kept.
type databaseFlags struct {
	Database string `default:"sqlite:registrar.db" placeholder:"URL" help:"sqlite:FILE, or mysql: and a DSN such as mysql:user:password@tcp(db:3306)/registrar. Default ${default}."`
}

// migrationFlags say whether the schema may be changed.
type migrationFlags struct {
	NoMigrate bool `help:"Leave the database's schema as it is, and do not start if it is not the newest."`
}

// registrationFlags are who may register.
type registrationFlags struct {
	Registration *string  `enum:"open,token" placeholder:"open|token" help:"open lets everybody register, token those who have a token. Unless given: open, to this machine alone, while public address, issuer and public URL are loopback and there is no trusted proxy; else token."`
	JWTIssuer    []string `name:"jwt-issuer" placeholder:"ISSUER=JWKS" help:"Issuers whose JWT access tokens let register, each with the URL (https) or the file of its keys."`
	JWTAudience  string   `name:"jwt-audience" placeholder:"AUDIENCE" help:"What the claim aud of these tokens must hold. The public URL unless given."`
	JWTScope     string   `name:"jwt-scope" placeholder:"SCOPE" help:"Scope that these tokens need. It must be given where there is an issuer."`
	RateLimit    float64  `default:"10" placeholder:"NUMBER" help:"Registrations a second for one address, 0 for no limit. Loopback is not limited. Default ${default}."`
}

// managementFlags are what clients may do with their registrations (RFC 7592).
type managementFlags struct {
	Management              bool `default:"true" negatable:"" help:"Let clients read, update and delete their registrations. Default ${default}."`
	RotateRegistrationToken bool `help:"Give a client a new registration access token with each update. An answer that is lost on the way locks it out."`
}

// engineFlags are what may be registered. A dry run takes them too, so that it answers as the server would.
type engineFlags struct {
	SecretLifetime        duration.Duration     `default:"0s" placeholder:"DURATION" help:"Lifetime of client secrets, such as 90d; 0 means that they never expire. Default ${default}."`
	ClientIDFormat        engine.ClientIDFormat `name:"client-id-format" default:"uuidv7" enum:"uuidv7,random" placeholder:"uuidv7|random" help:"Client IDs are UUIDs that sort by time, or 32 random bytes. Default ${default}."`
	DefaultScope          []string              `placeholder:"SCOPE" help:"Scopes of a client that is left without one. None unless given."`
	AllowedScope          []string              `placeholder:"SCOPE" help:"Scopes that clients may have; others are dropped. Every one unless given."`
	EchoExtensions        []string              `placeholder:"NAME" help:"Unknown members that are stored and returned. None unless given: they may hold secrets."`
	AllowedGrantType      []string              `default:"${grant_types}" placeholder:"TYPE" help:"Grant types that clients may have; others are refused. Default ${default}."`
	AllowedResponseType   []string              `default:"${response_types}" placeholder:"TYPE" help:"Response types that clients may have; others are refused. Default ${default}."`
	GrantResponseMismatch engine.Mismatch       `default:"auto" enum:"auto,correct,refuse" placeholder:"auto|correct|refuse" help:"Grant types and response types that do not fit each other are corrected, or refused; auto corrects where the client sent only one of the two. Default ${default}."`
	URIsOnRedirectHost    bool                  `name:"uris-on-redirect-host" help:"Demand that client_uri, logo_uri, tos_uri and policy_uri are on the host of a redirect URI."`
	WebCustomScheme       engine.CustomScheme   `default:"refuse" enum:"refuse,native" placeholder:"refuse|native" help:"A web client with a redirect URI such as com.example.app:/cb is refused, or becomes a native one. Default ${default}."`
	WebLoopback           bool                  `default:"true" negatable:"" help:"Let web clients redirect to http on a loopback host. Default ${default}."`
	NativeScheme          engine.NativeScheme   `default:"any" enum:"any,reverse-domain" placeholder:"any|reverse-domain" help:"Schemes of its own that a native client may use: any, or only such as com.example.app. Default ${default}."`
	AllowUnsignedIDToken  bool                  `name:"allow-unsigned-id-token" help:"Allow id_token_signed_response_alg none, for clients that get ID tokens from the token endpoint alone."`
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
		GrantResponseMismatch: f.GrantResponseMismatch,
		URIsOnRedirectHost:    f.URIsOnRedirectHost,
		WebCustomScheme:       f.WebCustomScheme,
		RefuseWebLoopback:     !f.WebLoopback,
		NativeScheme:          f.NativeScheme,
		AllowUnsignedIDToken:  f.AllowUnsignedIDToken,
		SigningAlgs:           f.SigningAlg,
		EchoExtensions:        f.EchoExtensions,
	}
}

// scriptFlags are what scripts may use.
type scriptFlags struct {
	ScriptMemory  memorySize        `default:"16MiB" placeholder:"SIZE" help:"Memory of each script in each registration, such as 16MiB; whole pages of 64 KiB. Default ${default}."`
	ScriptPool    int               `default:"16" placeholder:"NUMBER" help:"Instances of each script that are made ahead of need. Default ${default}."`
	ScriptCache   string            `placeholder:"DIR" help:"Folder of compiled modules, for this user alone (0700). Unless given: in $$CACHE_DIRECTORY, $$STATE_DIRECTORY or the user's cache folder."`
	ScriptFuel    int64             `default:"10000000" placeholder:"NUMBER" help:"Instructions of each step of a script; five times as many for all of a registration. Default ${default}."`
	ScriptTimeout duration.Duration `default:"1s" placeholder:"DURATION" help:"Wall clock of each step of a script, the step that it replaces excluded. Default ${default}."`
}

// host returns the limits as a script host takes them.
func (f *scriptFlags) host() (host.Config, error) {
	if f.ScriptTimeout <= 0 {
		return host.Config{}, fmt.Errorf("--script-timeout %s: it must be above 0", f.ScriptTimeout)
	}
	if f.ScriptFuel < 1 || f.ScriptFuel > maxFuel {
		return host.Config{}, fmt.Errorf("--script-fuel %d: it must be 1 to %d", f.ScriptFuel, int64(maxFuel))
	}
	if f.ScriptPool < 1 || f.ScriptPool > maxPool {
		return host.Config{}, fmt.Errorf("--script-pool %d: it must be 1 to %d", f.ScriptPool, maxPool)
	}
	return host.Config{Config: sandbox.Config{
		MemoryPages: f.ScriptMemory.pages(),
		StepFuel:    f.ScriptFuel,
		StepTimeout: time.Duration(f.ScriptTimeout),
		Pool:        f.ScriptPool,
		CacheFolder: f.cache(),
	}}, nil
}

const (
	maxPool = 10_000
	maxFuel = 1 << 50
)

// cache returns the folder of compiled modules; "" stands for a temporary one.
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

// moduleFlags are the bounds on uploaded modules.
type moduleFlags struct {
	MaxModules     int      `default:"500" placeholder:"NUMBER" help:"How many modules are stored at most; more uploads are refused. Default ${default}."`
	MaxModulesSize byteSize `default:"1GiB" placeholder:"SIZE" help:"Size of all stored modules together; more uploads are refused. Default ${default}."`
}

// logFlags are how the log is written, to standard error.
type logFlags struct {
	LogFormat string     `default:"text" enum:"text,json" placeholder:"text|json" help:"Lines of text, or of JSON. Default ${default}."`
	LogLevel  slog.Level `default:"info" placeholder:"debug|info|warn|error" help:"The least level that is logged. Default ${default}."`
}

// handler returns the log's handler.
func (f *logFlags) handler(w io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: f.LogLevel}
	if f.LogFormat == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

// A cidr is a range of addresses, or one address.
type cidr struct{ netip.Prefix }

// UnmarshalText reads 10.0.0.0/8, or 10.1.2.3 for that address alone.
func (c *cidr) UnmarshalText(b []byte) error {
	prefix, err := netip.ParsePrefix(string(b))
	if addr, single := netip.ParseAddr(string(b)); single == nil {
		prefix, err = addr.Unmap().WithZone("").Prefix(addr.Unmap().BitLen())
	}
	if err != nil {
		return fmt.Errorf("%q is no range of addresses, such as 10.0.0.0/8", b)
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
