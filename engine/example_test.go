package engine_test

import (
	"context"
	"fmt"
	"strings"

	"registrar/engine"
)

// A printingStore prints the ID of each client instead of storing it.
type printingStore struct{}

func (printingStore) AddClient(_ context.Context, c *engine.Client) error {
	fmt.Println("stored", c.ID)
	return nil
}

func (printingStore) UpdateClient(context.Context, *engine.Client) error { return nil }

// An engine whose AddClientID step derives the client ID from the client's name.
func ExampleOverrides() {
	e, err := engine.New(engine.Config{
		Store: printingStore{},
		Overrides: func(_ *engine.Registration, base engine.Steps) (engine.Steps, func()) {
			steps := base
			steps.AddClientID = func(ctx context.Context, r *engine.Registration) error {
				if r.Client.Metadata.ClientName == "" {
					return base.AddClientID(ctx, r)
				}
				r.Client.ID = strings.ToLower(r.Client.Metadata.ClientName)
				return nil
			}
			return steps, func() {}
		},
	})
	if err != nil {
		panic(err)
	}
	request, err := engine.ParseRequest([]byte(`{"client_name":"Editor","redirect_uris":["https://app.example/cb"]}`))
	if err != nil {
		panic(err)
	}
	r, err := e.Register(context.Background(), request, &engine.Caller{Auth: engine.AuthNone})
	if err != nil {
		panic(err)
	}
	fmt.Println("registered", r.Client.ID)
	// Output:
	// stored editor
	// registered editor
}
