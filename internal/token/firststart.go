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
)

// firstID is the ID under which the first start stores its token: of several starts, one gets it.
const firstID = "first-start"

// First makes the admin token of a server that has none, and says in words where the token is.
//
// The token is on the disk, under a name of its own, before its hash is stored; where the hash was stored first, by
// whichever process, the file gets its name. So a process that dies in between leaves either nothing, or a file from
// which the next start takes the token, and the name never stands for a token that does not open the server.
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
		return "", fmt.Errorf("writing the admin token (set %s or --admin-token-file to have none made): %w", AdminVariable, err)
	}
	added, err := tokens.AddAdminToken(ctx, Admin{ID: firstID, Hash: Hash(token), Role: "admin", CreatedAt: now.UTC().Truncate(time.Microsecond)})
	switch {
	case added:
		return "made and written to " + path, publish(draft, path, token)
	case errors.Is(err, engine.ErrUnavailable):
		return "", fmt.Errorf("%w; if it was stored, the next start takes it from %s", err, draft)
	}
	if err := errors.Join(err, os.Remove(draft)); err != nil {
		return "", err
	}
	return "made by another server on this database, which wrote it to its " + AdminFile, nil
}

// Stored returns the tokens of the database. Where it has none there must be no file either.
func Stored(ctx context.Context, tokens AdminStore, folder string) ([]Admin, error) {
	path := filepath.Join(folder, AdminFile)
	// The file is looked for first: whoever gives it its name has stored the hash before.
	_, missing := os.Lstat(path)
	stored, err := tokens.AdminTokens(ctx)
	if err == nil && len(stored) == 0 && missing == nil {
		err = fmt.Errorf("%s exists, but the database holds no admin token: if the file belongs to another database, or is left over, move it away and a new one is made; to go on with the token in it, say --admin-token-file %s", path, path)
	}
	return stored, err
}

// draftPrefix begins the names of files that hold a token which may come to be the admin token.
const draftPrefix = ".registrar.token-"

// draftToken makes a token and writes it to the disk.
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

// publish gives a draft the name under which the token is looked for. Another process may be doing the same for us.
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
		return fmt.Errorf("the admin token is in %s, but cannot get the name %s: %w", draft, path, err)
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

// placeOf says where the token of a database that has one is. A draft of a start that died is given its name.
func placeOf(stored []Admin, folder string) (string, error) {
	path := filepath.Join(folder, AdminFile)
	token, err := ReadFile(path)
	if err == nil && opens(token, stored) {
		return "in " + path, nil
	}
	if draft, drafted := findDraft(stored, folder); draft != "" {
		return "in " + path + ", where a start that did not come to its end had meant to write it", publish(draft, path, drafted)
	}
	made := fmt.Sprintf("made at the first start, on %s; if it is lost, set %s", stored[0].CreatedAt.Format(time.DateOnly), AdminVariable)
	switch {
	case err == nil:
		return made + "; the token in " + path + " is not of this database", nil
	case !errors.Is(err, fs.ErrNotExist):
		return made + "; " + err.Error(), nil
	}
	return made, nil
}

// findDraft returns the draft that holds a stored token, or "".
func findDraft(stored []Admin, folder string) (draft, token string) {
	// A folder that cannot be read shows no draft: the database may have got its token from another machine.
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

func opens(token string, stored []Admin) bool {
	hash := Hash(token)
	return slices.ContainsFunc(stored, func(t Admin) bool { return t.Hash == hash })
}
