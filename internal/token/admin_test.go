package token_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/engine"
	"registrar/internal/servertest"
	"registrar/internal/token"
	"registrar/store"
	"registrar/store/storetest"
)

// openDatabase returns an empty database, closed when the test ends.
func openDatabase(t testing.TB, database string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Database: database, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func newSQLite(t testing.TB) *store.Store {
	t.Helper()
	return openDatabase(t, "sqlite:"+filepath.Join(t.TempDir(), "registrar.db"))
}

// accepts reports whether the server would accept a token.
func accepts(t testing.TB, configured string, db token.AdminStore, candidate string) bool {
	t.Helper()
	config := token.AdministratorsConfig{Tokens: db, Configured: configured}
	_, err := token.NewAdministrators(config).Find(t.Context(), candidate)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestFirstStartCreatesAToken(t *testing.T) {
	db, folder := newSQLite(t), t.TempDir()
	where, err := token.First(t.Context(), db, folder, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "registrar.token")
	if want := "created in " + path; where != want {
		t.Errorf("got %q, want %q", where, want)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the file's mode is %v", info.Mode())
	}
	made, err := token.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != 43 || !accepts(t, "", db, made) {
		t.Errorf("a token of %d characters is not accepted", len(made))
	}
	if names := servertest.Files(t, folder); len(names) != 1 {
		t.Errorf("the start left %v", names)
	}

	where, err = token.First(t.Context(), db, folder, time.Now())
	if want := "in " + path; err != nil || where != want {
		t.Errorf("the second start: got %q and %v, want %q", where, err, want)
	}
	if again, _ := token.ReadFile(path); again != made {
		t.Error("the second start wrote another token")
	}
}

func TestTokenFileWithoutATokenInTheDatabase(t *testing.T) {
	db, folder := newSQLite(t), t.TempDir()
	path := filepath.Join(folder, "registrar.token")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 43)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := token.First(t.Context(), db, folder, time.Now())
	if err == nil || !strings.Contains(err.Error(), "move it away") ||
		!strings.Contains(err.Error(), "--admin-token-file "+path) {
		t.Errorf("got %v, want an error that says what to do", err)
	}
	if stored, _ := db.AdminTokens(t.Context()); len(stored) != 0 {
		t.Error("a token was stored")
	}
}

func TestTokenOfAnotherDatabase(t *testing.T) {
	db, folder := newSQLite(t), t.TempDir()
	if _, err := token.First(t.Context(), db, folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"another token": strings.Repeat("x", 43), "no token": "short"} {
		if err := os.WriteFile(filepath.Join(folder, "registrar.token"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		where, err := token.First(t.Context(), db, folder, time.Now())
		if err != nil || !strings.Contains(where, "REGISTRAR_ADMIN_TOKEN") || !strings.Contains(where, folder) {
			t.Errorf("%s: got %q and %v", name, where, err)
		}
	}
}

// A token that every user of the machine may have read is refused, by the server and by ReadFile.
func TestTokenFileThatOthersMayRead(t *testing.T) {
	db, folder := newSQLite(t), t.TempDir()
	if _, err := token.First(t.Context(), db, folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "registrar.token")
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o604: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, first := token.First(t.Context(), db, folder, time.Now())
		_, stored := token.Stored(t.Context(), db, folder)
		_, read := token.ReadFile(path)
		for by, err := range map[string]error{"First": first, "Stored": stored, "ReadFile": read} {
			if (err != nil) != refused {
				t.Errorf("%s, mode %04o: got %v, want an error: %t", by, mode, err, refused)
			}
			if err != nil && !strings.Contains(err.Error(), "chmod o= "+path) {
				t.Errorf("%s: got %q, want what to do", by, err)
			}
		}
	}
}

func TestTokenThatIsStoredElsewhere(t *testing.T) {
	db, folder := newSQLite(t), t.TempDir()
	if _, err := token.First(t.Context(), db, folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "registrar.token")); err != nil {
		t.Fatal(err)
	}
	where, err := token.First(t.Context(), db, folder, time.Now())
	if err != nil || !strings.Contains(where, "created at the first start, on ") ||
		!strings.Contains(where, "REGISTRAR_ADMIN_TOKEN") {
		t.Errorf("got %q and %v", where, err)
	}
	if names := servertest.Files(t, folder); len(names) != 0 {
		t.Errorf("the start left %v", names)
	}
}

// Eight concurrent starts on one database, in one folder or in one each, create one token in one file.
func TestConcurrentStartsCreateOneToken(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{
		"sqlite": func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "registrar.db") },
		"mysql":  func(t testing.TB) string { return "mysql:" + storetest.MySQL(t) },
	} {
		for _, shared := range []string{"one folder", "a folder each"} {
			t.Run(name+", "+shared, func(t *testing.T) {
				url, folders := database(t), make([]string, 8)
				one := t.TempDir()
				var starters sync.WaitGroup
				for i := range folders {
					if folders[i] = one; shared != "one folder" {
						folders[i] = t.TempDir()
					}
					db := openDatabase(t, url)
					starters.Go(func() {
						if _, err := token.First(t.Context(), db, folders[i], time.Now()); err != nil {
							t.Error(err)
						}
					})
				}
				starters.Wait()
				found := map[string]bool{}
				for _, folder := range folders {
					for _, file := range servertest.Files(t, folder) {
						found[filepath.Join(folder, file)] = true
					}
				}
				if len(found) != 1 {
					t.Fatalf("the starters left %v, want one file", found)
				}
				for path := range found {
					made, err := token.ReadFile(path)
					if err != nil || !accepts(t, "", openDatabase(t, url), made) {
						t.Errorf("the token in %s is not accepted: %v", path, err)
					}
				}
			})
		}
	}
}

// A brokenStore replaces AddAdminToken, to crash or to fail.
type brokenStore struct {
	token.AdminStore
	add func(token.AdminStore, context.Context, token.Admin) (bool, error)
}

func (s brokenStore) AddAdminToken(ctx context.Context, t token.Admin) (bool, error) {
	return s.add(s.AdminStore, ctx, t)
}

// After a start that is interrupted at any moment, the next one finds or creates a token that is accepted.
func TestInterruptedStarts(t *testing.T) {
	crash := errors.New("the machine lost power")
	for _, tt := range []struct {
		name string
		add  func(token.AdminStore, context.Context, token.Admin) (bool, error)
		says string // part of the next start's result
	}{
		{"before the hash is stored", func(token.AdminStore, context.Context, token.Admin) (bool, error) {
			panic(crash)
		}, "created in"},
		{"after the hash is stored", func(s token.AdminStore, ctx context.Context, t token.Admin) (bool, error) {
			if added, err := s.AddAdminToken(ctx, t); !added || err != nil {
				return added, err
			}
			panic(crash)
		}, "interrupted start"},
		{"the outcome is unknown, and it is stored", func(s token.AdminStore, ctx context.Context, t token.Admin) (bool,
			error) {
			_, err := s.AddAdminToken(ctx, t)
			return false, errors.Join(err, engine.ErrUnavailable)
		}, "interrupted start"},
		{"the outcome is unknown, and it is not stored",
			func(token.AdminStore, context.Context, token.Admin) (bool, error) {
				return false, engine.ErrUnavailable
			}, "created in"},
		{"nothing is stored", func(token.AdminStore, context.Context, token.Admin) (bool, error) {
			return false, crash
		}, "created in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, folder := newSQLite(t), t.TempDir()
			func() {
				defer func() { _ = recover() }()
				if where, err := token.First(t.Context(), brokenStore{db, tt.add}, folder, time.Now()); err == nil {
					t.Errorf("the broken start returned %q", where)
				}
			}()
			path := filepath.Join(folder, "registrar.token")
			if _, err := os.Stat(path); err == nil {
				t.Error("the broken start created the file")
			}
			where, err := token.First(t.Context(), db, folder, time.Now())
			if err != nil || !strings.Contains(where, tt.says) {
				t.Errorf("the next start: got %q and %v, want %q in it", where, err, tt.says)
			}
			made, err := token.ReadFile(path)
			if err != nil || !accepts(t, "", db, made) {
				t.Errorf("the token in the file is not accepted: %v", err)
			}
		})
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	db := newSQLite(t)
	_, err := token.First(t.Context(), db, filepath.Join(t.TempDir(), "missing"), time.Now())
	if err == nil || !strings.Contains(err.Error(), "REGISTRAR_ADMIN_TOKEN") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
	if stored, _ := db.AdminTokens(t.Context()); len(stored) != 0 {
		t.Error("a token was stored, but not written")
	}
}

func TestConfiguredTokenAndStoredOnesAreAccepted(t *testing.T) {
	db, folder := newSQLite(t), t.TempDir()
	if _, err := token.First(t.Context(), db, folder, time.Now()); err != nil {
		t.Fatal(err)
	}
	made, err := token.ReadFile(filepath.Join(folder, "registrar.token"))
	if err != nil {
		t.Fatal(err)
	}
	configured := strings.Repeat("c", 32)
	if !accepts(t, configured, db, configured) || !accepts(t, configured, db, made) {
		t.Error("a token is not accepted")
	}
	if accepts(t, "", db, configured) || accepts(t, "", db, "") {
		t.Error("a token is accepted that is neither configured nor stored")
	}
}
