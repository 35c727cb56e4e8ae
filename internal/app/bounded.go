package app

import (
	"context"
	"time"

	"registrar/scripts"
	"registrar/store"
)

// moduleTimeout bounds storing the bytes of a module and reading them.
const moduleTimeout = 30 * time.Second

// A boundedStore bounds each call of the script host to the database. Its contexts may have no deadline, or one that
// allows for compiling modules: a database that does not answer is not worth that wait.
type boundedStore struct {
	*store.Store
	timeout time.Duration
}

// bounded calls f with a context that ends after timeout.
func bounded[T any](ctx context.Context, timeout time.Duration, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return f(ctx)
}

func (b *boundedStore) AddModule(ctx context.Context, m scripts.Module, wasm []byte) (scripts.Module, bool, error) {
	// A database that does not answer is noticed before the bytes are sent.
	if _, err := b.CurrentDeploymentNumber(ctx); err != nil {
		return scripts.Module{}, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, max(b.timeout, moduleTimeout))
	defer cancel()
	return b.Store.AddModule(ctx, m, wasm)
}

func (b *boundedStore) ModuleBytes(ctx context.Context, digest string) ([]byte, error) {
	// Likewise.
	if _, err := b.CurrentDeploymentNumber(ctx); err != nil {
		return nil, err
	}
	return bounded(ctx, max(b.timeout, moduleTimeout), func(ctx context.Context) ([]byte, error) {
		return b.Store.ModuleBytes(ctx, digest)
	})
}

func (b *boundedStore) Modules(ctx context.Context) ([]scripts.Module, error) {
	return bounded(ctx, b.timeout, b.Store.Modules)
}

func (b *boundedStore) ModuleSignature(ctx context.Context, digest string) (string, error) {
	return bounded(ctx, b.timeout, func(ctx context.Context) (string, error) {
		return b.Store.ModuleSignature(ctx, digest)
	})
}

func (b *boundedStore) AddDeployment(
	ctx context.Context, d scripts.Deployment, ifCurrent *int64,
) (scripts.Deployment, error) {
	return bounded(ctx, b.timeout, func(ctx context.Context) (scripts.Deployment, error) {
		return b.Store.AddDeployment(ctx, d, ifCurrent)
	})
}

func (b *boundedStore) CurrentDeployment(ctx context.Context) (scripts.Deployment, error) {
	return bounded(ctx, b.timeout, b.Store.CurrentDeployment)
}

func (b *boundedStore) CurrentDeploymentNumber(ctx context.Context) (int64, error) {
	return bounded(ctx, b.timeout, b.Store.CurrentDeploymentNumber)
}

func (b *boundedStore) Deployments(ctx context.Context, before int64, n int) ([]scripts.Deployment, error) {
	return bounded(ctx, b.timeout, func(ctx context.Context) ([]scripts.Deployment, error) {
		return b.Store.Deployments(ctx, before, n)
	})
}

func (b *boundedStore) AddShadow(ctx context.Context, add scripts.Shadow) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	return b.Store.AddShadow(ctx, add)
}

func (b *boundedStore) Key(ctx context.Context, name string) ([]byte, error) {
	return bounded(ctx, b.timeout, func(ctx context.Context) ([]byte, error) { return b.Store.Key(ctx, name) })
}
