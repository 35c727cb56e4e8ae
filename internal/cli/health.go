package cli

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// healthCommand checks the health of a running server.
type healthCommand struct {
	URL string `default:"http://127.0.0.1:8080/healthz" placeholder:"URL" help:"Health endpoint. Default ${default}."`
}

// healthTimeout bounds the health check.
const healthTimeout = 5 * time.Second

// Run requests the health endpoint. Anything but 200 is an error.
func (c *healthCommand) Run(ctx context.Context, to *console) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return usageError{fmt.Errorf("--url: %w", err)}
	}
	response, err := httpClient(healthTimeout).Do(request)
	if err != nil {
		return fmt.Errorf("requesting the health: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", c.URL, response.Status)
	}
	_, err = fmt.Fprintln(to.out, "healthy")
	return err
}
