// Package server speaks HTTP: registration on the public listener, modules, deployments, dry runs and clients on the
// admin one. Only here do errors become responses; see respond.go. It reaches scripts and the store through small
// interfaces of its own.
package server

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"registrar/engine"
	"registrar/scripts"
	"registrar/server/bearer"
)

// Scripts takes in modules and deployments. What may not be gets a *[scripts.RejectedError].
type Scripts interface {
	// Upload stores a module durably, with its minisign signature, "" meaning none. The same bytes again give what is
	// stored, and false.
	Upload(ctx context.Context, name string, wasm []byte, signature string) (m scripts.Module, added bool, err error)
	// Deploy appends a deployment durably and puts it in force, or returns an error that is scripts.ErrConflict where
	// ifCurrent is not nil and not the number in force.
	Deploy(ctx context.Context, d scripts.Deployment, ifCurrent *int64) (scripts.Deployment, error)
	// DryRun takes a request through an engine with these scripts, nil meaning those in force, and stores nothing.
	DryRun(ctx context.Context, e *engine.Engine, request *engine.Request, caller *engine.Caller, list []scripts.Script) (scripts.DryRun, error)
}

// Clients reads and deletes clients. One that is not there gives engine.ErrNotFound.
type Clients interface {
	Client(ctx context.Context, id string) (*engine.Client, error)
	// Clients returns at most limit clients whose IDs come after the given one, in the order of their bytes; q is what
	// the ID begins with or the name holds, "" meaning all.
	Clients(ctx context.Context, after, q string, limit int) ([]*engine.Client, error)
	DeleteClient(ctx context.Context, id string) error
}

// Management finds and deletes clients for who has their registration access tokens, which are known by their hashes. One
// that is not there gives engine.ErrNotFound.
type Management interface {
	ClientByToken(ctx context.Context, id string, hash [sha256.Size]byte) (*engine.Client, error)
	DeleteClientByToken(ctx context.Context, id string, hash [sha256.Size]byte) error
}

// Modules reads and deletes modules. One that is not there gives scripts.ErrNotFound.
type Modules interface {
	Module(ctx context.Context, digest string) (scripts.Module, error)
	ModuleBytes(ctx context.Context, digest string) ([]byte, error)
	Modules(ctx context.Context) ([]scripts.Module, error) // newest first
	// DeleteModule returns scripts.ErrConflict while one of the latest deployments names the module.
	DeleteModule(ctx context.Context, digest string) error
}

// Deployments reads deployments. One that is not there gives scripts.ErrNotFound.
type Deployments interface {
	Deployment(ctx context.Context, number int64) (scripts.Deployment, error)
	// Deployments returns the n deployments before a number, newest first; 0 stands for the newest.
	Deployments(ctx context.Context, before int64, n int) ([]scripts.Deployment, error)
	CurrentDeployment(ctx context.Context) (scripts.Deployment, error) // number 0 before the first
}

// Shadows reads what scripts in shadow mode would have done, with at most n differences each; "" stands for all scripts.
type Shadows interface {
	Shadows(ctx context.Context, script string, n int) ([]scripts.Shadow, error)
}

// InitialAccessTokens keeps the tokens that let people register. One that is not there gives engine.ErrNotFound.
type InitialAccessTokens interface {
	AddInitialAccessToken(ctx context.Context, t *engine.InitialAccessToken) error
	InitialAccessTokens(ctx context.Context) ([]*engine.InitialAccessToken, error) // newest first
	DeleteInitialAccessToken(ctx context.Context, id string) error
}

// A RegistrationPolicy says who may register.
type RegistrationPolicy string

// The registration policies.
const (
	// RegistrationOpen lets everybody register.
	RegistrationOpen RegistrationPolicy = "open"
	// RegistrationLoopback lets everybody on this machine register: a request that comes through a proxy, or for a host
	// that is not loopback, does not. It is the default of a server that only listens here.
	RegistrationLoopback RegistrationPolicy = "loopback"
	// RegistrationToken demands an initial access token, or a JWT access token of an issuer that is trusted.
	RegistrationToken RegistrationPolicy = "token"
)

// Config is what a Server is made of.
type Config struct {
	Engine      *engine.Engine
	Scripts     Scripts
	Clients     Clients
	Management  Management // may be nil where the engine's clients do not manage themselves
	Modules     Modules
	Deployments Deployments
	Shadows     Shadows
	// Replay takes the last stored registrations, 0 meaning [scripts.DefaultReplay] of them, once more through these
	// scripts, nil meaning those in force, and stores nothing. It calls progress at the beginning and after each one. What
	// may not be gets a *[scripts.RejectedError], and scripts.ErrConflict where another replay is under way.
	Replay func(ctx context.Context, list []scripts.Script, last int, progress func(done, of int)) (scripts.Replay, error)
	// MarkSeen notes durably that clients were in use at a time. IDs of no client are passed over.
	MarkSeen func(ctx context.Context, ids []string, at time.Time) error
	// Ready returns why the server cannot do its work, or nil.
	Ready func(ctx context.Context) error
	// AdminTokens returns the SHA-256 hashes of the tokens that open the admin API.
	AdminTokens func(ctx context.Context) ([][sha256.Size]byte, error)

	// Discovery returns the authorization server's metadata; nil means that there is none, and its paths answer 404.
	Discovery func() ([]byte, error)
	Issuer    string // says where Discovery is; "" means one without a path
	// FetchDocument returns a client's metadata document. Unless ctx has ended, its error says why there is none. nil means
	// that no client is named by its document.
	FetchDocument       func(ctx context.Context, url string) ([]byte, error)
	AcceptJWTBodies     bool // take a software statement, application/jwt, for a whole registration
	InitialAccessTokens InitialAccessTokens
	// InitialAccessToken returns the token with this SHA-256 hash, usable or not.
	InitialAccessToken func(ctx context.Context, hash [sha256.Size]byte) (*engine.InitialAccessToken, error)
	// AccessTokens checks JWT access tokens; nil means that no issuer is trusted.
	AccessTokens *bearer.Verifier

	Registration   RegistrationPolicy // zero means RegistrationToken
	MaxBody        int64              // of a registration, in bytes; 0 means 64 KiB
	MaxModule      int64              // of an upload, in bytes; 0 means 8 MiB
	RequestTimeout time.Duration      // of a registration, from its last byte to its answer; 0 means 3 s
	CORSOrigins    []string           // nil means every origin
	RateLimit      float64            // registrations a second for one address, a tenth of it for failing tokens; 0 means no limit
	RateBurst      int                // at once for one address, likewise; 0 means 200
	TrustedProxies []netip.Prefix     // whose X-Forwarded-For is believed
	Random         io.Reader          // of initial access tokens; nil means crypto/rand
	Now            func() time.Time   // nil means time.Now
	Logger         *slog.Logger       // nil means slog.Default
	Observer       Observer           // nil means that nobody counts
	Metrics        http.Handler       // answers /metrics on the admin listener; nil means that nothing does
}

// A Server serves the two listeners. It is safe for concurrent use.
type Server struct {
	config Config
	routes map[string]bool // their patterns, of both listeners
	public *echo.Echo
	admin  *echo.Echo

	stopping  chan struct{}                      // closed when the server is told to stop
	stop      func()                             // closes it
	documents *lru.Cache[string, keptDocument]   // metadata documents by their URLs
	failures  *middleware.RateLimiterMemoryStore // of registration access tokens, by address
}

// New returns a Server that does not listen yet.
func New(c Config) (*Server, error) {
	c.Registration = cmp.Or(c.Registration, RegistrationToken)
	c.MaxBody = cmp.Or(c.MaxBody, 64<<10)
	c.MaxModule = cmp.Or(c.MaxModule, 8<<20)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, 3*time.Second)
	c.RateBurst = cmp.Or(c.RateBurst, 200)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	c.Random = cmp.Or(c.Random, rand.Reader)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.CORSOrigins == nil {
		c.CORSOrigins = []string{"*"}
	}
	switch c.Registration {
	case RegistrationOpen, RegistrationLoopback, RegistrationToken:
	default:
		return nil, fmt.Errorf("registration policy %q: it must be open, loopback or token", c.Registration)
	}
	s := &Server{config: c, stopping: make(chan struct{}), documents: newDocumentCache()}
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	s.public = s.newEcho(s.respondPublic)
	s.admin = s.newEcho(s.respondAdmin)
	s.routePublic()
	s.routeDiscovery()
	s.routeAdmin()
	s.nameRoutes()
	return s, nil
}

// newEcho returns what both listeners share.
func (s *Server) newEcho(respond echo.HTTPErrorHandler) *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = respond
	e.IPExtractor = s.ipExtractor()
	if s.config.Observer != nil {
		e.Use(s.observe)
	}
	e.Use(requestID, noSniff, middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
			return fmt.Errorf("panic: %w\n%s", err, stack)
		},
	}))
	e.GET("/healthz", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
	})
	e.GET("/openapi.yaml", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "application/yaml", []byte(openAPI))
	})
	return e
}

// ipExtractor believes X-Forwarded-For of the trusted proxies alone.
func (s *Server) ipExtractor() echo.IPExtractor {
	if len(s.config.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range s.config.TrustedProxies {
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP:   p.Addr().AsSlice(),
			Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// Public returns the handler of the public listener.
func (s *Server) Public() http.Handler { return s.public }

// Admin returns the handler of the admin listener.
func (s *Server) Admin() http.Handler { return s.admin }
