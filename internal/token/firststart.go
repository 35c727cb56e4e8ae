package token

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"registrar/engine"
	"registrar/internal/random"
	"registrar/internal/secretfile"
)

// FirstID is the ID of the first start's token. Of concurrent starts, one succeeds in storing it.
const FirstID = "first-start"

// First creates the admin token of a server that has none, and describes where the token is.
//
// The token is written to a draft file before its hash is stored. Once the hash is stored, the draft is renamed to
// [AdminFile]. A process that dies in between leaves either nothing or a draft that the next start renames, and
// AdminFile never holds a token that the server does not accept.
func First(ctx context.Context, tokens AdminStore, folder string, now time.Time) (where string, err error) {
	stored, err := Stored(ctx, tokens, folder)
	if err != nil {
		return "", err
	}
	if len(stored) > 0 {
		return placeOf(stored, folder)
	}
	path := filepath.Join(folder, AdminFile)
	token, draft, err := draftToken(folder)
	if err != nil {
		return "", fmt.Errorf("writing the admin token (set %s or --admin-token-file to create none): %w",
			AdminVariable, err)
	}
	added, err := tokens.AddAdminToken(ctx, Admin{
		ID:        FirstID,
		Hash:      Hash(token),
		Label:     FirstID,
		Roles:     []Role{RoleAdmin},
		CreatedAt: now.UTC().Truncate(time.Microsecond),
	})
	switch {
	case added:
		return "created in " + path, publish(draft, path, token)
	case errors.Is(err, engine.ErrUnavailable):
		return "", fmt.Errorf("%w; if it was stored, the next start takes it from %s", err, draft)
	}
	if err := errors.Join(err, os.Remove(draft)); err != nil {
		return "", err
	}
	return "created by another server on this database, in its " + AdminFile, nil
}

// Stored returns the tokens in the database. It is an error if there are none, but [AdminFile] exists, or if every user
// of the machine may read that file.
func Stored(ctx context.Context, tokens AdminStore, folder string) ([]Admin, error) {
	path := filepath.Join(folder, AdminFile)
	// The file is looked up first: it is created after the hash is stored.
	_, missing := os.Lstat(path)
	if err := secretfile.Check(path); errors.Is(err, secretfile.ErrExposed) {
		return nil, fmt.Errorf("the admin token: %w", err)
	}
	stored, err := tokens.AdminTokens(ctx)
	if err == nil && len(stored) == 0 && missing == nil {
		err = fmt.Errorf("%s exists, but the database has no admin token: move it away to create a new one, "+
			"or use the token in it with --admin-token-file %s", path, path)
	}
	return stored, err
}

// Spare reports whether the first start's token can be revoked: it is one of the tokens, and another one has the role
// admin at now, or there are administrators elsewhere.
func Spare(stored []Admin, elsewhere bool, now time.Time) bool {
	first, another := false, elsewhere
	for _, t := range stored {
		if t.ID == FirstID {
			first = true
		} else {
			another = another || slices.Contains(t.Roles, RoleAdmin) && !t.Expired(now)
		}
	}
	return first && another
}

// SpareNote says that the first start's token can be revoked, and how.
const SpareNote = "the token of the first start is not needed any more: who found it could use it for ever; " +
	"revoke it with registrar admin-token revoke " + FirstID

// draftPrefix begins the names of draft files; see [First].
const draftPrefix = ".registrar.token-"

// draftToken creates a token and writes it to a draft file.
func draftToken(folder string) (token, draft string, err error) {
	if token, err = random.Token(rand.Reader); err != nil {
		return "", "", err
	}
	file, err := os.CreateTemp(folder, draftPrefix+"*") // O_EXCL, 0600
	if err != nil {
		return "", "", err
	}
	if err := writeToken(file, token); err != nil {
		return "", "", errors.Join(err, os.Remove(file.Name()))
	}
	return token, file.Name(), nil
}

func writeToken(file *os.File, token string) error {
	_, err := file.WriteString(token + "\n")
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// publish renames a draft to path. Another process may do the same at the same time.
func publish(draft, path, token string) error {
	err := os.Link(draft, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = copyToken(path, token) // a file system without links
	}
	if errors.Is(err, fs.ErrExist) {
		if there, unreadable := ReadFile(path); unreadable == nil && there == token {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("the admin token is in %s, which cannot be renamed to %s: %w", draft, path, err)
	}
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the admin token's draft: %w", err)
	}
	return nil
}

func copyToken(path, token string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return writeToken(file, token)
}

// placeOf describes where the token of a database is. It publishes the draft of a start that died.
func placeOf(stored []Admin, folder string) (string, error) {
	path := filepath.Join(folder, AdminFile)
	token, err := ReadFile(path)
	if err == nil && opens(token, stored) {
		return "in " + path, nil
	}
	if draft, drafted := findDraft(stored, folder); draft != "" {
		return "in " + path + ", from an interrupted start", publish(draft, path, drafted)
	}
	made := "in the database, not that of the first start"
	if i := slices.IndexFunc(stored, func(t Admin) bool { return t.ID == FirstID }); i >= 0 {
		made = "created at the first start, on " + stored[i].CreatedAt.Format(time.DateOnly)
	}
	made += "; if it is lost, set " + AdminVariable + " or run registrar admin-token reset"
	switch {
	case err == nil:
		return made + "; the token in " + path + " was revoked, or belongs to another database", nil
	case !errors.Is(err, fs.ErrNotExist):
		return made + "; " + err.Error(), nil
	}
	return made, nil
}

// findDraft returns the draft that holds a stored token, or "".
func findDraft(stored []Admin, folder string) (draft, token string) {
	// An unreadable folder has no draft: another machine may have created the token.
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if !strings.HasPrefix(entry.Name(), draftPrefix) {
			continue
		}
		if token, err := ReadFile(path); err == nil && opens(token, stored) {
			return path, token
		}
	}
	return "", ""
}

// opens reports whether token is one of the stored tokens.
func opens(token string, stored []Admin) bool {
	return slices.ContainsFunc(stored, func(t Admin) bool { return t.Hash == t.HashOf(token) })
}
