package app

import (
	"context"
	"errors"
	"time"

	"registrar/engine"
	"registrar/store"
)

const (
	// firstPause and lastPause are the pauses between two attempts to open the database.
	firstPause, lastPause = 100 * time.Millisecond, 2 * time.Second
	// waitingInterval is the time between two lines of the log while the database is waited for.
	waitingInterval = 5 * time.Second
)

// open opens the database. While it cannot be reached, open tries again, for Config.StartupTimeout.
func open(ctx context.Context, c Config) (*store.Store, error) {
	began, logged := time.Now(), time.Time{}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		db, err := store.Open(ctx, store.Config{Database: c.Database, DatabaseCA: c.DatabaseCA, Migrate: c.Migrate,
			MaxModules: c.MaxModules, MaxModulesSize: c.MaxModulesSize, MaxDocuments: c.MaxDocuments,
			Logger: c.Logger, Guard: c.Guard, Observer: c.Metrics})
		left := c.StartupTimeout - time.Since(began)
		if err == nil || left <= 0 || ctx.Err() != nil || !errors.Is(err, engine.ErrUnavailable) {
			return db, err
		}
		if time.Since(logged) >= waitingInterval {
			logged = time.Now()
			c.Logger.WarnContext(ctx, "waiting for the database", "seconds_left", int(left.Seconds()), "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(pause, left)):
		}
	}
}
