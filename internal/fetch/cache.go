package fetch

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// CacheConfig configures a Cache.
type CacheConfig struct {
	// Get fetches a document; see [Fetcher.Get].
	Get func(ctx context.Context, rawURL string, c Conditions) (*Response, error)
	// Valid reports whether a document is worth keeping. One that is not is fetched again each time, so that a good one
	// counts at once. nil means that every document is.
	Valid func(document []byte) bool
	Size  int              // documents that are kept, the last ones used; above 0
	Now   func() time.Time // nil means time.Now
}

// A Cache keeps documents in memory as long as they are fresh, and validates them after that. It is safe for concurrent
// use.
type Cache struct {
	config CacheConfig
	kept   *lru.Cache[string, *Response]
}

// NewCache returns a Cache.
func NewCache(c CacheConfig) *Cache {
	kept, err := lru.New[string, *Response](c.Size)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Cache{config: c, kept: kept}
}

// Get returns the document at a URL, from memory or as [Fetcher.Get] does. NotModified is never set. Errors are not
// kept, and a document that is not fresh is never returned in their place.
func (c *Cache) Get(ctx context.Context, rawURL string) (*Response, error) {
	kept, ok := c.kept.Get(rawURL)
	if ok && c.config.Now().Before(kept.FreshUntil) {
		return kept, nil
	}
	var conditions Conditions
	if ok {
		conditions = kept.Conditions()
	}
	r, err := c.config.Get(ctx, rawURL, conditions)
	if err != nil {
		return nil, err
	}
	if r.NotModified {
		validated := *r // others share r
		validated.Body, validated.NotModified = kept.Body, false
		r = &validated
	}
	if r.Keep && (c.config.Valid == nil || c.config.Valid(r.Body)) {
		c.kept.Add(rawURL, r)
	} else {
		c.kept.Remove(rawURL)
	}
	return r, nil
}

// Fetch returns the body of the document that Get returns.
func (c *Cache) Fetch(ctx context.Context, rawURL string) ([]byte, error) {
	r, err := c.Get(ctx, rawURL)
	if err != nil {
		return nil, err
	}
	return r.Body, nil
}
