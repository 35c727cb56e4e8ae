// Package server implements the HTTP API: registration on the public listener; modules, deployments, dry runs and
// clients on the admin listener. Only this package turns errors into responses; see respond.go. It declares the
// interfaces through which it uses scripts and the store.
package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"registrar/engine"
	"registrar/internal/fetch"
	"registrar/internal/guard"
	"registrar/internal/token"
	"registrar/scripts"
	"registrar/server/bearer"
	"registrar/server/documents"
)

// Scripts stores modules and deployments, and runs scripts. Its methods return a *[scripts.RejectedError] for an
// invalid module or deployment.
type Scripts interface {
	// Upload stores a module durably, with its minisign signature; "" means none. If the bytes are stored already, it
	// returns the stored module and false.
	Upload(ctx context.Context, name string, wasm []byte, signature string) (m scripts.Module, added bool, err error)
	// Pack makes a module of the text of a script. Its file is name with the extension, .js or .ts.
	Pack(ctx context.Context, name, extension string, text []byte) (wasm []byte, err error)
	// Deploy appends a deployment durably and puts it into force. It returns scripts.ErrConflict if ifCurrent is neither
	// nil nor the number in force.
	Deploy(ctx context.Context, d scripts.Deployment, ifCurrent *int64) (scripts.Deployment, error)
	// DryRun runs a request through an engine with these scripts, and stores nothing. A nil list means the scripts in
	// force.
	DryRun(ctx context.Context, e *engine.Engine, request *engine.Request, caller *engine.Caller,
		list []scripts.Script) (scripts.DryRun, error)
}

// Clients reads and deletes clients. Its methods return engine.ErrNotFound if the client does not exist.
type Clients interface {
	Client(ctx context.Context, id string) (*engine.Client, error)
	// Clients returns at most limit clients that match f, the last stored first. before is the Next of the page before; 0
	// means the first page.
	Clients(ctx context.Context, f engine.ClientFilter, before int64, limit int) (engine.ClientPage, error)
	DeleteClient(ctx context.Context, id string) error
}

// Management finds and deletes clients by their ID and the hash of their registration access token. Its methods return
// engine.ErrNotFound unless both match; the second, also for a client that is not active.
type Management interface {
	ClientByToken(ctx context.Context, id string, hash [sha256.Size]byte) (*engine.Client, error)
	DeleteClientByToken(ctx context.Context, id string, hash [sha256.Size]byte) error
}

// Modules reads and deletes modules. Its methods return scripts.ErrNotFound if the module does not exist.
type Modules interface {
	Module(ctx context.Context, digest string) (scripts.Module, error)
	ModuleBytes(ctx context.Context, digest string) ([]byte, error)
	Modules(ctx context.Context) ([]scripts.Module, error) // newest first
	// DeleteModule returns scripts.ErrConflict while one of the latest deployments names the module.
	DeleteModule(ctx context.Context, digest string) error
}

// Deployments reads deployments. Its methods return scripts.ErrNotFound if the deployment does not exist.
type Deployments interface {
	Deployment(ctx context.Context, number int64) (scripts.Deployment, error)
	// Deployments returns the n deployments before a number, newest first; 0 means the n newest.
	Deployments(ctx context.Context, before int64, n int) ([]scripts.Deployment, error)
	CurrentDeployment(ctx context.Context) (scripts.Deployment, error) // number 0 before the first
}

// Shadows reads what a script in shadow mode would have done, with at most n differences; "" means all scripts.
type Shadows interface {
	Shadows(ctx context.Context, script string, n int) ([]scripts.Shadow, error)
}

// InitialAccessTokens stores initial access tokens. DeleteInitialAccessToken returns engine.ErrNotFound if the token
// does not exist.
type InitialAccessTokens interface {
	AddInitialAccessToken(ctx context.Context, t *engine.InitialAccessToken) error
	InitialAccessTokens(ctx context.Context) ([]*engine.InitialAccessToken, error) // newest first
	DeleteInitialAccessToken(ctx context.Context, id string) error
}

// A RegistrationPolicy says who may register clients. A valid token is accepted under every policy.
type RegistrationPolicy string

// The registration policies.
const (
	// RegistrationOpen allows everyone.
	RegistrationOpen RegistrationPolicy = "open"
	// RegistrationLoopback allows everyone on this machine: requests with a loopback Host that show no sign of a proxy or
	// of a page of another site. With it, CORSOrigins nil means the origins of this machine.
	RegistrationLoopback RegistrationPolicy = "loopback"
	// RegistrationToken requires an initial access token, or a JWT access token of a trusted issuer.
	RegistrationToken RegistrationPolicy = "token"
)

// Config holds a Server's dependencies and options.
type Config struct {
	Engine      *engine.Engine
	Scripts     Scripts
	Clients     Clients
	Management  Management // may be nil if Engine.Managed returns false
	Modules     Modules
	Deployments Deployments
	Shadows     Shadows
	// ConfigSchema returns the JSON Schema of its configuration that a module carries, nil for none. It returns an error
	// that matches scripts.ErrNotFound if there is no such module.
	ConfigSchema func(ctx context.Context, digest string) (jsontext.Value, error)
	// Replicas returns the servers on the database, the oldest first.
	Replicas func(ctx context.Context) ([]scripts.Replica, error)
	// Replay repeats the last stored registrations with these scripts, and stores nothing. last is their number; 0 means
	// [scripts.DefaultReplay]. A nil list means the scripts in force. Replay calls progress at the beginning and after
	// each registration. It returns a *[scripts.RejectedError] if an argument is invalid, and scripts.ErrConflict if
	// another replay is running.
	Replay func(ctx context.Context, list []scripts.Script, last int, progress func(done, of int)) (scripts.Replay,
		error)
	// MarkSeen records durably that clients were in use at a time. It ignores IDs that no active client has.
	MarkSeen func(ctx context.Context, ids []string, at time.Time) error
	// NoteSeen has a client marked that was in use at a time, soon. It must not block.
	NoteSeen func(id string, at time.Time)
	// Ready returns why the server cannot register clients, or nil. Errors that [errors.Join] joined are several reasons.
	// Administrators read them.
	Ready func(ctx context.Context) error
	// Administrator returns who presents an admin token, or [engine.ErrNotFound] if the token is unknown, has expired or
	// was revoked.
	Administrator func(ctx context.Context, presented string) (*token.Administrator, error)
	AdminTokens   AdminTokens
	// AdminJWTs checks JWT access tokens of administrators; nil means that no issuer of them is trusted.
	AdminJWTs *bearer.Administrators
	// AdminCertificates has the roles of administrators whose client certificate the admin listener has verified, by the
	// subject in the form of RFC 2253, such as CN=ops,O=Example; nil means none. A token that is sent counts instead.
	AdminCertificates map[string][]token.Role

	// Discovery returns the authorization server's metadata; nil means that its paths respond with 404.
	Discovery func() ([]byte, error)
	Issuer    string // its path determines the paths of Discovery; "" means an issuer without a path
	// Documents keeps clients with metadata documents; LoadedDeployment returns the number of the deployment that is
	// loaded, and false before one is. Both may be nil if FetchDocument is.
	Documents        documents.Store
	LoadedDeployment func() (int64, bool)
	DocumentStale    time.Duration // as [documents.Config].Stale
	// FetchDocument returns the metadata document of a client, as [fetch.Fetcher.Get]. Administrators read a *fetch.Error.
	// nil means that metadata documents are disabled.
	FetchDocument func(ctx context.Context, url string, c fetch.Conditions) (*fetch.Response, error)
	// FetchKeys returns the key set at the jwks_uri of a metadata document, as [fetch.Cache.Get]. nil means that no key
	// set is fetched.
	FetchKeys           func(ctx context.Context, url string) (*fetch.Response, error)
	AcceptJWTBodies     bool // accept a software statement, application/jwt, as a whole registration
	InitialAccessTokens InitialAccessTokens
	// InitialAccessToken returns the token with this SHA-256 hash, usable or not.
	InitialAccessToken func(ctx context.Context, hash [sha256.Size]byte) (*engine.InitialAccessToken, error)
	// AccessTokens checks JWT access tokens; nil means that no issuer is trusted.
	AccessTokens *bearer.Verifier

	// ForwardedHeader is where TrustedProxies name the address of a caller; "" means [ForwardedEither].
	ForwardedHeader ForwardedHeader

	Registration   RegistrationPolicy // zero means RegistrationToken
	MaxBody        int64              // of a registration, in bytes; 0 means 64 KiB
	MaxModule      int64              // of an upload, in bytes; 0 means 8 MiB
	RequestTimeout time.Duration      // of a request, from its last byte to the response; see timeoutOf; 0 means 3 s
	Drain          time.Duration      // between the end of Serve's context and that of new connections
	CORSOrigins    []string           // whose pages may call the public listener; nil means all, see RegistrationLoopback
	RateLimit      float64            // requests per second and address, a tenth for failing tokens; 0 means no limit
	RateBurst      int                // requests at once per address, a tenth for failing tokens; 0 means 200
	TrustedProxies []netip.Prefix     // proxies that name the address of a caller; nil means none
	Random         io.Reader          // for initial access tokens; nil means crypto/rand
	Now            func() time.Time   // nil means time.Now
	Logger         *slog.Logger       // nil means slog.Default
	Guard          *guard.Guard       // catches panics; nil means one that counts nothing
	Observer       Observer           // nil means none
	Metrics        http.Handler       // for /metrics on the admin listener; nil means 404
	// Trace is called for each request to a known route, except those of health, metrics and openapi.yaml. It returns the
	// context of the request, and a function that is called with the status of the response. nil means that nothing is
	// called.
	Trace func(r *http.Request, route, requestID string) (ctx context.Context, end func(status int))
}

// AdminTokens keeps the admin tokens of the database.
type AdminTokens interface {
	// Add stores t durably and returns true, or false if another token has its ID. It returns [token.ErrLabel] if another
	// one has its label, and [token.ErrTooMany] if there is no room.
	Add(ctx context.Context, t token.Admin) (bool, error)
	// List returns the tokens, the oldest first.
	List(ctx context.Context) ([]token.Admin, error)
	// Revoke removes a token durably. It returns [engine.ErrNotFound] if there is none with the ID, and [token.ErrLast] if
	// it is the last way to administer the server.
	Revoke(ctx context.Context, id string) error
	// RevokeLast is Revoke, but also removes the last token with the role admin.
	RevokeLast(ctx context.Context, id string) error
}

// A Server serves the two listeners. It is safe for concurrent use.
type Server struct {
	config Config
	routes map[string]bool // patterns of the routes of both listeners
	calls  map[call]bool   // of the admin listener
	public *echo.Echo
	admin  *echo.Echo

	adminLoopback bool // whether the admin listener listens on loopback; set by Serve

	draining  atomic.Bool
	active    atomic.Int64 // requests that are being served
	finished  atomic.Int64 // requests that have ended since draining
	conns     conns
	stopping  chan struct{}                      // closed when the server begins to stop
	stop      func()                             // closes stopping
	documents *documents.Resolver                // nil means that metadata documents are disabled
	failures  *middleware.RateLimiterMemoryStore // failing registration access tokens by address
	strangers *middleware.RateLimiterMemoryStore // failing admin tokens by address

	proxies proxies
	unread  minutely // requests whose caller's address cannot be read
}

// New returns a Server, or an error if c.Registration or c.ForwardedHeader is invalid. See [Server.Serve].
func New(c Config) (*Server, error) {
	c.Registration = cmp.Or(c.Registration, RegistrationToken)
	c.MaxBody = cmp.Or(c.MaxBody, 64<<10)
	c.MaxModule = cmp.Or(c.MaxModule, 8<<20)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, DefaultRequestTimeout)
	c.RateBurst = cmp.Or(c.RateBurst, 200)
	c.ForwardedHeader = cmp.Or(c.ForwardedHeader, ForwardedEither)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.Random = cmp.Or(c.Random, rand.Reader)
	if c.Now == nil {
		c.Now = time.Now
	}
	switch c.Registration {
	case RegistrationOpen, RegistrationLoopback, RegistrationToken:
	default:
		return nil, fmt.Errorf("registration policy %q: it must be open, loopback or token", c.Registration)
	}
	switch c.ForwardedHeader {
	case ForwardedEither, ForwardedXForwardedFor, ForwardedRFC7239:
	default:
		return nil, fmt.Errorf("forwarded header %q: it must be either, x-forwarded-for or forwarded",
			c.ForwardedHeader)
	}
	s := &Server{config: c, stopping: make(chan struct{}),
		proxies: proxies{trusted: c.TrustedProxies, header: c.ForwardedHeader}}
	if c.FetchDocument != nil {
		s.documents = documents.New(documents.Config{Store: c.Documents, Engine: c.Engine, Fetch: c.FetchDocument,
			Deployment: c.LoadedDeployment, Stale: c.DocumentStale, Now: c.Now, Logger: c.Logger})
	}
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	s.public = s.newEcho(s.respondPublic)
	s.admin = s.newEcho(s.respondAdmin)
	s.routePublic()
	s.routeDiscovery()
	s.routeAdmin()
	s.nameRoutes()
	return s, nil
}

// newEcho returns an Echo with the middleware and the routes of both listeners.
func (s *Server) newEcho(respond echo.HTTPErrorHandler) *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = respond
	e.IPExtractor = s.ipExtractor()
	routeHeads(e)
	if s.config.Observer != nil {
		e.Use(s.observe)
	}
	e.Use(requestID)
	if s.config.Trace != nil {
		e.Use(s.trace)
	}
	e.Use(noSniff, middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
			s.config.Guard.Count(guard.Requests)
			return fmt.Errorf("panic: %w\n%s", err, stack)
		},
	}))
	if len(s.config.TrustedProxies) > 0 {
		e.Use(s.noteAddress)
	}
	e.GET("/healthz", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
	})
	e.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", []byte(openAPI))
	})
	return e
}

// Public returns the handler of the public listener.
func (s *Server) Public() http.Handler { return s.public }

// Admin returns the handler of the admin listener.
func (s *Server) Admin() http.Handler { return s.admin }
