package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"registrar/engine"
	"registrar/internal/strictjson"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// uploadModule stores a module, or what is packed of a script. If the same bytes are stored already, the response is
// the same but for the status, 200.
func (s *Server) uploadModule(c echo.Context) error {
	wasm, err := s.uploaded(c)
	if err != nil {
		return err
	}
	signature, err := signatureOf(c)
	if err != nil {
		return err
	}
	m, added, err := s.config.Scripts.Upload(c.Request().Context(), c.QueryParam("name"), wasm, signature)
	if err != nil {
		return err
	}
	if !added {
		s.logAction(c, "module uploaded again", "module", m.Digest, "name", m.Name)
		return reply(c, http.StatusOK, m)
	}
	s.logAction(c, "module uploaded", "module", m.Digest, "name", m.Name)
	return reply(c, http.StatusCreated, m)
}

// The media types of an upload: a module, and scripts in JavaScript (RFC 9239 §6) and TypeScript, which has none that
// is registered.
const (
	mediaModule     = "application/wasm"
	mediaJavaScript = "text/javascript"
	mediaTypeScript = "application/typescript"
)

// uploaded returns the module in an upload. A script is packed.
func (s *Server) uploaded(c echo.Context) ([]byte, error) {
	switch {
	case hasMediaType(c, mediaJavaScript):
		return s.packed(c, mediaJavaScript, ".js")
	case hasMediaType(c, mediaTypeScript):
		return s.packed(c, mediaTypeScript, ".ts")
	case !hasMediaType(c, mediaModule):
		return nil, &statusError{http.StatusUnsupportedMediaType,
			"the Content-Type must be " + mediaModule + ", " + mediaJavaScript + " or " + mediaTypeScript}
	}
	wasm, err := body(c, mediaModule, s.config.MaxModule)
	if isTooLarge(err) {
		return nil, &statusError{http.StatusRequestEntityTooLarge, err.Error() + "; " + scripts.HowToShrink}
	}
	return wasm, err
}

func isTooLarge(err error) bool {
	refused, ok := errors.AsType[*statusError](err)
	return ok && refused.status == http.StatusRequestEntityTooLarge
}

// packed returns the module of the script in an upload.
func (s *Server) packed(c echo.Context, mediaType, extension string) ([]byte, error) {
	_, parameters, err := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if charset, given := parameters["charset"]; err == nil && given && !strings.EqualFold(charset, "utf-8") {
		return nil, &statusError{http.StatusUnsupportedMediaType, "the charset of a script must be utf-8"}
	}
	text, err := body(c, mediaType, scripts.MaxSource)
	if isTooLarge(err) {
		return nil, &statusError{http.StatusRequestEntityTooLarge,
			err.Error() + "; import less, or move tables into the config"}
	}
	if err != nil {
		return nil, err
	}
	return s.config.Scripts.Pack(c.Request().Context(), c.QueryParam("name"), extension, text)
}

// signatureOf returns the signature in the header of an upload, "" if there is none.
func signatureOf(c echo.Context) (string, error) {
	b, err := base64.StdEncoding.DecodeString(c.Request().Header.Get(adminapi.SignatureHeader))
	if err != nil {
		reason := adminapi.SignatureHeader + " must be the .minisig file in base64"
		return "", &scripts.RejectedError{Reasons: []string{reason}}
	}
	return string(b), nil
}

func (s *Server) listModules(c echo.Context) error {
	modules, err := s.config.Modules.Modules(c.Request().Context())
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, adminapi.Modules{Modules: modules})
}

func (s *Server) showModule(c echo.Context) error {
	digest, err := param(c, "digest")
	if err != nil {
		return err
	}
	m, err := s.config.Modules.Module(c.Request().Context(), digest)
	if err != nil {
		return err
	}
	if m.ConfigSchema, err = s.config.ConfigSchema(c.Request().Context(), digest); err != nil {
		return err
	}
	return reply(c, http.StatusOK, m)
}

func (s *Server) downloadModule(c echo.Context) error {
	digest, err := param(c, "digest")
	if err != nil {
		return err
	}
	wasm, err := s.config.Modules.ModuleBytes(c.Request().Context(), digest)
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/wasm", wasm)
}

func (s *Server) deleteModule(c echo.Context) error {
	digest, err := param(c, "digest")
	if err != nil {
		return err
	}
	if err := s.config.Modules.DeleteModule(c.Request().Context(), digest); err != nil {
		return err
	}
	s.logAction(c, "module deleted", "module", digest)
	return c.NoContent(http.StatusNoContent)
}

// deploy appends a deployment and puts it into force.
func (s *Server) deploy(c echo.Context) error {
	var asked adminapi.NewDeployment
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	d := scripts.Deployment{Scripts: asked.Scripts, Comment: asked.Comment, CreatedBy: actorOf(c)}
	switch {
	case asked.CopyOf != 0 && asked.Scripts != nil:
		return &scripts.RejectedError{Reasons: []string{"scripts and copy_of exclude each other: send one of them"}}
	case asked.CopyOf != 0:
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.config.RequestTimeout)
		defer cancel()
		old, err := s.deployment(ctx, asked.CopyOf)
		if err != nil {
			return err
		}
		d.Scripts, d.CopyOf = old.Scripts, old.Number
	case asked.Scripts == nil:
		return &scripts.RejectedError{Reasons: []string{"scripts is missing: send a list, [] for none, or copy_of"}}
	}
	created, err := s.config.Scripts.Deploy(c.Request().Context(), d, asked.IfCurrent)
	if err != nil {
		return err
	}
	s.logAction(c, "deployment appended", "deployment", created.Number, "scripts", len(created.Scripts))
	return reply(c, http.StatusCreated, created)
}

func (s *Server) listDeployments(c echo.Context) error {
	before, err := number(c, "before")
	if err != nil {
		return err
	}
	list, err := s.config.Deployments.Deployments(c.Request().Context(), before, adminapi.DefaultPage)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, adminapi.Deployments{Deployments: list})
}

func (s *Server) currentDeployment(c echo.Context) error {
	d, err := s.config.Deployments.CurrentDeployment(c.Request().Context())
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, d)
}

func (s *Server) showDeployment(c echo.Context) error {
	number, err := param(c, "number")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return scripts.ErrNotFound
	}
	d, err := s.deployment(c.Request().Context(), n)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, d)
}

// deployment returns the deployment of a number. The error of one that does not exist names the latest.
func (s *Server) deployment(ctx context.Context, n int64) (scripts.Deployment, error) {
	d, err := s.config.Deployments.Deployment(ctx, n)
	if !errors.Is(err, scripts.ErrNotFound) {
		return d, err
	}
	latest, err := s.config.Deployments.CurrentDeployment(ctx)
	if err != nil {
		return scripts.Deployment{}, err
	}
	detail := fmt.Sprintf("deployment %d not found: the latest is %d", n, latest.Number)
	if latest.Number == 0 {
		detail = fmt.Sprintf("deployment %d not found: there is none yet", n)
	}
	return scripts.Deployment{}, &statusError{http.StatusNotFound, detail}
}

// listReplicas responds with the servers on the database.
func (s *Server) listReplicas(c echo.Context) error {
	list, err := s.config.Replicas(c.Request().Context())
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, adminapi.Replicas{Replicas: list})
}

// dryRun runs a registration without storing it, and responds with its steps and its outcome. It has the limits of a
// registration: MaxBody here, RequestTimeout in Scripts.
func (s *Server) dryRun(c echo.Context) error {
	var asked adminapi.DryRun
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	if int64(len(asked.Request)) > s.config.MaxBody {
		return &statusError{http.StatusRequestEntityTooLarge,
			fmt.Sprintf("request must have at most %d bytes", s.config.MaxBody)}
	}
	caller := &engine.Caller{Auth: engine.AuthNone}
	if asked.Caller != nil && asked.Caller.Kind() != 'n' {
		if err := strictjson.UnmarshalObject(asked.Caller, caller, "caller"); err != nil {
			return &statusError{http.StatusBadRequest, err.Error()}
		}
	}
	request, err := engine.ParseRequest(asked.Request)
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		s.logAction(c, "dry run ended")
		return reply(c, http.StatusOK, scripts.RefusedDryRun(string(refusal.Code), refusal.Description))
	}
	if err != nil {
		return err
	}
	request.ID = requestIDOf(c)
	run, err := s.config.Scripts.DryRun(c.Request().Context(), s.config.Engine, request, caller, asked.Scripts)
	if err != nil {
		return err
	}
	s.logAction(c, "dry run ended")
	return reply(c, http.StatusOK, run)
}

// listShadows responds with what scripts in shadow mode would have done.
func (s *Server) listShadows(c echo.Context) error {
	n, err := number(c, "limit")
	if err != nil {
		return err
	}
	n = min(n, adminapi.MaxPage)
	list, err := s.config.Shadows.Shadows(c.Request().Context(), c.QueryParam("script"), int(n))
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, adminapi.Shadows{Shadows: list})
}
