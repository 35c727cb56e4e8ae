package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"registrar/store"
)

// checkCommand says what serve would do, and changes nothing.
type checkCommand struct{ serverFlags }

// Run checks what serve needs.
func (c *checkCommand) Run(ctx context.Context, to *console) error {
	s, err := c.settings()
	if err != nil {
		return err
	}
	others, err := c.outside(ctx, s.publicURL, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := others.ready(); err != nil {
		return fmt.Errorf("--discovery-upstream %s: it cannot be read now, so nobody could register: %w", c.DiscoveryUpstream, err)
	}
	a := announcement{
		public:   fmt.Sprintf("%s, which clients reach under %s", c.Listen, s.publicURL),
		admin:    c.AdminListen,
		database: c.Database,
		policy:   s.policy,
		token:    "configured",
	}
	if c.absent() {
		a.database += ", which serve makes"
		a.deployment = noDeployment
		if s.token == "" {
			a.token = serveMakes(c.Database)
		}
	} else if err := c.database(ctx, s, &a, c.logger(to.err)); err != nil {
		return err
	}
	p := &page{}
	p.table(a.rows())
	_, err = to.out.Write(p.buffer.Bytes())
	return err
}

// absent reports whether the database is a SQLite file that serve would make.
func (c *checkCommand) absent() bool {
	path, ok := strings.CutPrefix(c.Database, "sqlite:")
	if !ok || path == "" || c.NoMigrate {
		return false
	}
	_, err := os.Stat(path)
	folder, errFolder := os.Stat(filepath.Dir(path))
	return errors.Is(err, fs.ErrNotExist) && errFolder == nil && folder.IsDir()
}

func serveMakes(database string) string {
	return "none; serve makes one and writes it to " + filepath.Join(tokenFolder(database), adminTokenFile)
}

// database looks at what is in the database, and loads the deployment in force.
func (c *checkCommand) database(ctx context.Context, s *settings, a *announcement, logger *slog.Logger) error {
	db, err := store.Open(ctx, store.Config{Database: c.Database, Logger: logger})
	if err != nil {
		return err
	}
	return errors.Join(c.inspect(ctx, s, a, db), db.Close())
}

func (c *checkCommand) inspect(ctx context.Context, s *settings, a *announcement, db *store.Store) error {
	a.database = db.Name()
	if s.token == "" {
		stored, err := storedTokens(ctx, db, tokenFolder(c.Database))
		if err != nil {
			return err
		}
		if a.token = "in the database"; len(stored) == 0 {
			a.token = serveMakes(c.Database)
		}
	}
	// What would be logged is returned.
	host, err := newHost(ctx, s.scripts, db, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer host.Close(context.WithoutCancel(ctx))
	if err := host.Load(ctx); err != nil {
		return err
	}
	a.deployment = describeDeployed(ctx, host, db)
	return nil
}
