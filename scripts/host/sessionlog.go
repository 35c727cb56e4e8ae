package host

import (
	"context"
	"log/slog"

	"github.com/go-json-experiment/json"
)

// ScriptLog is the message of the log lines that hold a line of a script.
const ScriptLog = "script log"

// writeLog writes the scripts' log lines. It runs at the end of the registration, when all secrets to redact are known.
func (s *session) writeLog() {
	if s.log.Len() == 0 && s.log.Dropped() == 0 {
		return
	}
	s.noteSecrets()
	logger := s.host.config.Logger.With("request_id", s.r.Request.ID)
	levels := [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	ctx := context.Background()
	for _, line := range s.log.Lines() {
		logger.Log(ctx, levels[line.Level], ScriptLog, "script", line.Script, "step", line.Step, "line", line.Text)
	}
	if n := s.log.Dropped(); n > 0 {
		logger.WarnContext(ctx, "script log lines dropped", "lines", n)
	}
}

// noteSecrets registers the values to redact: the client's secret and token, and secrets in the request.
func (s *session) noteSecrets() {
	s.log.Secret(s.r.Secret.Reveal())
	s.log.Secret(s.r.Token.Reveal())
	var sent struct {
		ClientSecret            string `json:"client_secret"`
		RegistrationAccessToken string `json:"registration_access_token"`
	}
	if json.Unmarshal(s.r.Request.Raw, &sent) == nil {
		s.log.Secret(sent.ClientSecret)
		s.log.Secret(sent.RegistrationAccessToken)
	}
}
