package cli

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthCommand asks a server whether it is well.
type healthCommand struct {
	URL string `default:"http://127.0.0.1:8080/healthz" placeholder:"URL" help:"What to ask. Default ${default}."`
}

// healthTimeout is how long a server may take to say that it is well.
const healthTimeout = 5 * time.Second

// Run asks the server.
func (c *healthCommand) Run(ctx context.Context, to *console) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	response, err := httpClient(healthTimeout).Do(request)
	if err != nil {
		return fmt.Errorf("asking the server: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", c.URL, response.Status)
	}
	_, err = fmt.Fprintln(to.out, "healthy")
	return err
}
