package engine

import (
	"context"
	"fmt"

	"github.com/go-json-experiment/json"
)

// Replay takes the registration of a stored client through all steps of the given overrides once more, at the time when
// it was issued, and stores nothing. What the client asked for is not known any more, so it asks for what it got:
// defaults, corrections and what scripts made of it included. It returns what [Engine.Preview] would.
func (e *Engine) Replay(ctx context.Context, c *Client, overrides Overrides) (*Registration, error) {
	raw, err := json.Marshal(&c.Metadata, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("writing the metadata of client %s: %w", c.ID, err)
	}
	request, err := ParseRequest(raw)
	if err != nil {
		return nil, err
	}
	caller := c.Caller
	r, err := e.newRegistration(request, &caller, ModeReplay)
	if err != nil {
		return nil, err
	}
	r.Now, r.Client.IssuedAt = c.IssuedAt, c.IssuedAt
	return r, r.preview(ctx, overrides)
}
