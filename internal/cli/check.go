package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"registrar/internal/app"
	"registrar/internal/token"
)

// checkCommand prints what serve would do and changes nothing.
type checkCommand struct{ serverFlags }

// Run checks the configuration, the database and the deployment in force.
func (c *checkCommand) Run(ctx context.Context, to *console) error {
	config, err := c.parse(slog.New(slog.DiscardHandler), nil) // errors are returned too
	if err != nil {
		return err
	}
	if err := loadDiscovery(ctx, config.Discovery); isUsage(err) {
		return err
	} else if err != nil {
		return fmt.Errorf("--discovery-upstream %s: no client could register: %w", c.DiscoveryUpstream, err)
	}
	a := announcement{
		public:   fmt.Sprintf("%s, which clients reach at %s", c.Listen, cmp.Or(c.PublicURL, c.Issuer)),
		admin:    c.AdminListen,
		database: c.Database,
		policy:   config.Server.Registration,
		token:    "configured",
	}
	if c.absent() {
		a.database += ", which serve creates"
		a.deployment = app.NoDeployment
		if config.AdminToken == "" {
			a.token = tokenToCome(c.Database)
		}
	} else if err := c.inspect(ctx, config, &a); err != nil {
		return err
	}
	p := &textWriter{}
	p.table(a.rows())
	if config.Discovery != nil {
		for _, warning := range config.Discovery.Warnings() {
			p.line("\nwarning: discovery document: %s", warning)
		}
	}
	_, err = to.out.Write(p.buffer.Bytes())
	return err
}

// absent reports whether the database is a SQLite file that serve would create.
func (c *checkCommand) absent() bool {
	path, ok := strings.CutPrefix(c.Database, "sqlite:")
	if !ok || path == "" || c.NoMigrate {
		return false
	}
	_, err := os.Stat(path)
	folder, errFolder := os.Stat(filepath.Dir(path))
	return errors.Is(err, fs.ErrNotExist) && errFolder == nil && folder.IsDir()
}

// tokenToCome describes the admin token of a database that has none.
func tokenToCome(database string) string {
	return "none; serve creates one and writes it to " + filepath.Join(tokenFolder(database), token.AdminFile)
}

// inspect opens the database, loads the deployment in force and completes found.
func (c *checkCommand) inspect(ctx context.Context, config app.Config, found *announcement) error {
	config.Migrate, config.StartupTimeout = false, 0
	a, err := app.New(ctx, config)
	if err != nil {
		return err
	}
	defer a.Close(ctx)
	found.database = a.Store.Name()
	if config.AdminToken == "" {
		stored, err := token.Stored(ctx, a.Store, tokenFolder(c.Database))
		if err != nil {
			return err
		}
		if found.token = "in the database"; len(stored) == 0 {
			found.token = tokenToCome(c.Database)
		}
	}
	if err := a.Scripts.Load(ctx); err != nil {
		return err
	}
	found.deployment = a.Deployment(ctx)
	return nil
}
