package adminapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/guard"
	"registrar/scripts"
)

// LinesType is the media type of a response with progress: one [ReplayLine] per line.
const LinesType = "application/x-ndjson"

// A Replay requests that stored registrations be repeated. The response is a [scripts.Replay].
type Replay struct {
	Scripts []scripts.Script `json:"scripts,omitzero"` // nil means the scripts in force
	Last    int              `json:"last,omitzero"`    // number of the newest registrations; 0 means 1,000
}

// A ReplayLine is a line of a response of LinesType. One member is set: Progress, or Result or Problem in the last
// line.
type ReplayLine struct {
	Progress *ReplayProgress `json:"progress,omitzero"`
	Result   *scripts.Replay `json:"result,omitzero"`
	Problem  *Problem        `json:"problem,omitzero"`
}

// ReplayProgress is the progress of a replay, in registrations.
type ReplayProgress struct {
	Done int `json:"done"`
	Of   int `json:"of"`
}

// silence bounds the time between two lines of a response, and before the first, when the server compiles the scripts.
const silence = 3 * time.Minute

// Replay repeats stored registrations, and calls progress, which may be nil, while it waits. It ignores a.HTTP's
// timeout, and fails if the server sends no line for three minutes.
func (a *API) Replay(ctx context.Context, r Replay, progress func(done, of int)) (scripts.Replay, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return scripts.Replay{}, fmt.Errorf("writing the request: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var panics guard.Guard
	watch := panics.AfterFunc(silence, guard.Client,
		func() { cancel(fmt.Errorf("the server sent nothing for %s", silence)) })
	defer watch.Stop()
	url := strings.TrimSuffix(a.Base, "/") + PathReplay
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return scripts.Replay{}, fmt.Errorf("the server's address %s: %w", a.Base, err)
	}
	request.Header.Set("Authorization", "Bearer "+a.Token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", LinesType)
	client := http.Client{}
	if a.HTTP != nil {
		client = *a.HTTP
	}
	client.Timeout = 0 // watch replaces it
	response, err := client.Do(request)
	if err != nil {
		return scripts.Replay{}, unreached(because(ctx, err))
	}
	defer response.Body.Close()
	limited := io.LimitReader(response.Body, maxAnswer)
	if response.StatusCode >= 300 {
		b, err := io.ReadAll(limited)
		if err != nil {
			return scripts.Replay{}, fmt.Errorf("reading the server's answer: %w", because(ctx, err))
		}
		return scripts.Replay{}, problem(response, b)
	}
	lines := jsontext.NewDecoder(limited)
	for {
		var line ReplayLine
		if err := json.UnmarshalDecode(lines, &line); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return scripts.Replay{}, fmt.Errorf("reading the server's answer: %w", because(ctx, err))
		}
		watch.Reset(silence)
		switch {
		case line.Result != nil:
			return *line.Result, nil
		case line.Problem != nil:
			return scripts.Replay{}, line.Problem
		case line.Progress != nil && progress != nil:
			progress(line.Progress.Done, line.Progress.Of)
		}
	}
}

// because returns the cause if ctx has ended, else err.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
