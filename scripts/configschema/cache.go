package configschema

import (
	lru "github.com/hashicorp/golang-lru/v2"
)

// cached bounds the schemas that are kept compiled. A deployment has at most [scripts.MaxScripts] of them.
const cached = 128

// A Cache keeps schemas compiled, by their text. It is safe for concurrent use.
type Cache struct{ schemas *lru.Cache[string, *Schema] }

// NewCache returns an empty Cache.
func NewCache() *Cache {
	schemas, err := lru.New[string, *Schema](cached)
	if err != nil {
		panic(err) // unreachable: the size is positive
	}
	return &Cache{schemas}
}

// Parse is the function Parse, but compiles each schema once.
func (c *Cache) Parse(text []byte) (*Schema, error) {
	if s, ok := c.schemas.Get(string(text)); ok {
		return s, nil
	}
	s, err := Parse(text)
	if err == nil {
		c.schemas.Add(string(text), s)
	}
	return s, err
}
