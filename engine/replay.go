package engine

import (
	"context"
	"fmt"
)

// Replay repeats the registration of a stored client with the given overrides, at the time when it was issued, and
// stores nothing. The original request is not stored, so the registered metadata takes its place, including defaults,
// corrections and the changes of scripts. Its results are those of [Engine.Preview].
func (e *Engine) Replay(ctx context.Context, c *Client, overrides Overrides) (*Registration, error) {
	raw, err := c.Metadata.document("")
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
