// Package baseline has the servers that registrar is compared with: hand-written for the one case that the load tool
// sends, with Echo, one table and no engine. They do only what every registration needs: decode the metadata, require
// redirect URIs, generate an ID and a secret, hash the secret, store the client durably, respond. They differ in how
// they store it: see [SingleRow], [MultiRow], [MultiRowSQL], [MultiRowSQLite] and [Nowhere]. [LookUp] and
// [LookUpSQLite] answer for clients that exist.
package baseline

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// metadata is the body of a request. It is decoded by registrar's library, which is faster than encoding/json.
type metadata struct {
	RedirectURIs            []string `json:"redirect_uris"`
	ClientName              string   `json:"client_name,omitzero"`
	GrantTypes              []string `json:"grant_types,omitzero"`
	ResponseTypes           []string `json:"response_types,omitzero"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method,omitzero"`
	Scope                   string   `json:"scope,omitzero"`
	ClientURI               string   `json:"client_uri,omitzero"`
	LogoURI                 string   `json:"logo_uri,omitzero"`
	TOSURI                  string   `json:"tos_uri,omitzero"`
	PolicyURI               string   `json:"policy_uri,omitzero"`
	Contacts                []string `json:"contacts,omitzero"`
	SoftwareID              string   `json:"software_id,omitzero"`
	SoftwareVersion         string   `json:"software_version,omitzero"`
}

// answer is the response that RFC 7591 §3.2.1 requires.
type answer struct {
	ClientID              string `json:"client_id"`
	ClientIDIssuedAt      int64  `json:"client_id_issued_at"`
	ClientSecret          string `json:"client_secret"`
	ClientSecretExpiresAt int64  `json:"client_secret_expires_at"`
	metadata
}

// A client is a row. Members by which one would search have columns.
type client struct {
	ClientID                string     `gorm:"primaryKey;type:char(36) character set ascii collate ascii_bin"`
	IssuedAt                time.Time  `gorm:"type:datetime(6);not null"`
	SecretHash              []byte     `gorm:"type:binary(32);not null"`
	SecretExpiresAt         *time.Time `gorm:"type:datetime(6)"`
	ClientName              string     `gorm:"type:varchar(255);not null"`
	TokenEndpointAuthMethod string     `gorm:"type:varchar(64);not null"`
	Scope                   string     `gorm:"type:text;not null"`
	SoftwareID              string     `gorm:"type:varchar(255);not null"`
	SoftwareVersion         string     `gorm:"type:varchar(255);not null"`
	Metadata                string     `gorm:"type:mediumtext;not null"` // JSON
	RemoteAddress           string     `gorm:"type:varchar(64);not null"`
	Version                 int64      `gorm:"not null"`
}

// TableName implements gorm's Tabler.
func (client) TableName() string { return "clients" }

// An add stores a client durably.
type add func(context.Context, *client) error

const maxBody = 64 << 10 // bytes, as in registrar

// register handles a registration.
func (add add) register(c echo.Context) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, "the body cannot be read")
	}
	var m metadata
	if err := json.Unmarshal(body, &m); err != nil {
		return refuse(c, "the body is not a JSON object of client metadata")
	}
	if len(m.RedirectURIs) == 0 {
		return refuse(c, "redirect_uris is missing")
	}
	var random [32]byte
	rand.Read(random[:])
	secret := base64.RawURLEncoding.EncodeToString(random[:])
	hash := sha256.Sum256([]byte(secret))
	stored, err := json.Marshal(&m)
	if err != nil {
		return err
	}
	row := &client{ClientID: uuid.NewString(), IssuedAt: time.Now().UTC(), SecretHash: hash[:],
		ClientName:              m.ClientName,
		TokenEndpointAuthMethod: m.TokenEndpointAuthMethod, Scope: m.Scope, SoftwareID: m.SoftwareID,
		SoftwareVersion: m.SoftwareVersion, Metadata: string(stored), RemoteAddress: c.RealIP(), Version: 1}
	if err := add(c.Request().Context(), row); err != nil {
		return err
	}
	b, err := json.Marshal(&answer{ClientID: row.ClientID, ClientIDIssuedAt: row.IssuedAt.Unix(), ClientSecret: secret,
		metadata: m})
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSONBlob(http.StatusCreated, b)
}

func refuse(c echo.Context, description string) error {
	return c.JSON(http.StatusBadRequest, map[string]string{"error": "invalid_client_metadata",
		"error_description": description})
}

// serve serves registrations until ctx is done.
func serve(ctx context.Context, add add, log io.Writer) error {
	e := echo.New()
	e.POST("/register", add.register)
	return listen(ctx, e, log)
}

// listen serves on a free port of loopback until ctx is done. It logs the address for [process.Start].
func listen(ctx context.Context, e *echo.Echo, log io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.HideBanner, e.HidePort = true, true
	server := &http.Server{Handler: e}
	slog.New(slog.NewTextHandler(log, nil)).InfoContext(ctx, "listening", "public", "http://"+listener.Addr().String())
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() { stopped <- server.Shutdown(context.WithoutCancel(ctx)) })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
