package fetch

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"
)

// A Cache keeps documents in memory as long as they are fresh, and validates them after that. It is safe for concurrent
// use.
type Cache struct {
	fetcher *Fetcher
	valid   func(document []byte) bool
	kept    *lru.Cache[string, *Response]
}

// NewCache returns a Cache of at most size documents, which must be above 0. valid reports whether a document is worth
// keeping: one that is not is fetched again each time, so that a good one counts at once.
func NewCache(f *Fetcher, size int, valid func(document []byte) bool) *Cache {
	kept, err := lru.New[string, *Response](size)
	if err != nil {
		panic(err) // the size is a constant above 0
	}
	return &Cache{fetcher: f, valid: valid, kept: kept}
}

// Get returns the document at a URL, from memory or as [Fetcher.Get] does. NotModified is never set. Errors are not
// kept, and a document that is not fresh is never returned in their place.
func (c *Cache) Get(ctx context.Context, rawURL string) (*Response, error) {
	kept, ok := c.kept.Get(rawURL)
	if ok && c.fetcher.config.Now().Before(kept.FreshUntil) {
		return kept, nil
	}
	var conditions Conditions
	if ok {
		conditions = kept.Conditions()
	}
	r, err := c.fetcher.Get(ctx, rawURL, conditions)
	if err != nil {
		return nil, err
	}
	if r.NotModified {
		again := *r
		again.Body, again.NotModified = kept.Body, false
		r = &again
	}
	if r.Keep && c.valid(r.Body) {
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
