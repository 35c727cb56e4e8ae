package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"registrar/engine"
	"registrar/store"
)

const (
	// adminTokenVariable is the environment variable of the admin token, which is never an argument.
	adminTokenVariable = "REGISTRAR_ADMIN_TOKEN"
	// adminTokenFile is the file to which a server's first start writes the admin token that it made.
	adminTokenFile = "registrar.token"
	// minAdminToken is the length of the shortest admin token in characters.
	minAdminToken = 32
	// firstTokenID is the ID under which the first start stores its token's hash: of several starts one gets it.
	firstTokenID = "first-start"
)

// adminTokenFlags are where the admin token comes from.
type adminTokenFlags struct {
	AdminTokenFile string `placeholder:"FILE" help:"File that holds the admin token, of at least 32 characters; or set $$REGISTRAR_ADMIN_TOKEN. With neither, the server's first start makes one and writes it to registrar.token."`
}

// configured returns the token that the operator configured, or "".
func (f *adminTokenFlags) configured() (string, error) {
	token, inEnvironment := os.LookupEnv(adminTokenVariable)
	switch {
	case inEnvironment && f.AdminTokenFile != "":
		return "", fmt.Errorf("both %s and --admin-token-file are set: set one of them", adminTokenVariable)
	case inEnvironment:
		if err := checkAdminToken(token); err != nil {
			return "", fmt.Errorf("%s: %w", adminTokenVariable, err)
		}
		return token, nil
	case f.AdminTokenFile != "":
		return readToken(f.AdminTokenFile)
	}
	return "", nil
}

// readToken reads a file that holds a token and perhaps a line break.
func readToken(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the admin token: %w", err)
	}
	token := strings.TrimRight(string(b), "\r\n")
	if err := checkAdminToken(token); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return token, nil
}

// checkAdminToken does not quote the token.
func checkAdminToken(token string) error {
	if len(token) < minAdminToken {
		return fmt.Errorf("an admin token has at least %d characters, this one has %d", minAdminToken, len(token))
	}
	// RFC 6750 §2.1: it has to fit into a header. We take all of visible ASCII.
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("an admin token is visible ASCII without spaces")
	}
	return nil
}

// forServer returns the token for a server: the configured one, else the one in registrar.token in $STATE_DIRECTORY or
// the working directory, which goes to loopback alone.
func (f *adminTokenFlags) forServer(host string) (string, error) {
	token, err := f.configured()
	if token != "" || err != nil {
		return token, err
	}
	for _, folder := range slices.Compact([]string{stateFolder(), "."}) {
		path := filepath.Join(folder, adminTokenFile)
		token, err := readToken(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", err
		case !loopback(host):
			return "", fmt.Errorf("the admin token in %s was found, not named, so it is sent to loopback alone: to send it to %s, say --admin-token-file %s", path, host, path)
		}
		return token, nil
	}
	return "", fmt.Errorf("there is no admin token: set %s or --admin-token-file, or run this where the server keeps its %s", adminTokenVariable, adminTokenFile)
}

// tokenFolder returns where the first start writes the token: beside the SQLite file, else where state is kept.
func tokenFolder(database string) string {
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		return filepath.Dir(path)
	}
	return stateFolder()
}

// stateFolder returns the first of $STATE_DIRECTORY, which systemd sets, else the working directory.
func stateFolder() string {
	folder, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if folder == "" {
		return "."
	}
	return folder
}

// An adminTokenStore keeps the hashes of admin tokens.
type adminTokenStore interface {
	// AddAdminToken stores t durably and returns true, or false if another token has its ID.
	AddAdminToken(ctx context.Context, t store.AdminToken) (bool, error)
	AdminTokens(ctx context.Context) ([]store.AdminToken, error)
}

// firstToken makes the admin token of a server that has none, and says in words where the token is.
//
// The token is on the disk, under a name of its own, before its hash is stored; where the hash was stored first, by
// whichever process, the file gets its name. So a process that dies in between leaves either nothing, or a file from
// which the next start takes the token, and the name never stands for a token that does not open the server.
func firstToken(ctx context.Context, tokens adminTokenStore, folder string, now time.Time) (where string, err error) {
	stored, err := storedTokens(ctx, tokens, folder)
	if err != nil {
		return "", err
	}
	if len(stored) > 0 {
		return placeOf(stored, folder)
	}
	path := filepath.Join(folder, adminTokenFile)
	token, draft, err := draftToken(folder)
	if err != nil {
		return "", fmt.Errorf("writing the admin token (set %s or --admin-token-file to have none made): %w", adminTokenVariable, err)
	}
	added, err := tokens.AddAdminToken(ctx, store.AdminToken{ID: firstTokenID, Hash: sha256.Sum256([]byte(token)), Role: "admin", CreatedAt: now.UTC().Truncate(time.Microsecond)})
	switch {
	case added:
		return "made and written to " + path, publish(draft, path, token)
	case errors.Is(err, engine.ErrUnavailable):
		return "", fmt.Errorf("%w; if it was stored, the next start takes it from %s", err, draft)
	}
	if err := errors.Join(err, os.Remove(draft)); err != nil {
		return "", err
	}
	return "made by another server on this database, which wrote it to its " + adminTokenFile, nil
}

// storedTokens returns the tokens of the database. Where it has none there must be no file either.
func storedTokens(ctx context.Context, tokens adminTokenStore, folder string) ([]store.AdminToken, error) {
	path := filepath.Join(folder, adminTokenFile)
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
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return "", "", err
	}
	token = base64.RawURLEncoding.EncodeToString(random)
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
		if there, unreadable := readToken(path); unreadable == nil && there == token {
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
func placeOf(stored []store.AdminToken, folder string) (string, error) {
	path := filepath.Join(folder, adminTokenFile)
	token, err := readToken(path)
	if err == nil && opens(token, stored) {
		return "in " + path, nil
	}
	if draft, drafted := findDraft(stored, folder); draft != "" {
		return "in " + path + ", where a start that did not come to its end had meant to write it", publish(draft, path, drafted)
	}
	made := fmt.Sprintf("made at the first start, on %s; if it is lost, set %s", stored[0].CreatedAt.Format(time.DateOnly), adminTokenVariable)
	switch {
	case err == nil:
		return made + "; the token in " + path + " is not of this database", nil
	case !errors.Is(err, fs.ErrNotExist):
		return made + "; " + err.Error(), nil
	}
	return made, nil
}

// findDraft returns the draft that holds a stored token, or "".
func findDraft(stored []store.AdminToken, folder string) (draft, token string) {
	// A folder that cannot be read shows no draft: the database may have got its token from another machine.
	entries, _ := os.ReadDir(folder)
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if !strings.HasPrefix(entry.Name(), draftPrefix) {
			continue
		}
		if token, err := readToken(path); err == nil && opens(token, stored) {
			return path, token
		}
	}
	return "", ""
}

func opens(token string, stored []store.AdminToken) bool {
	hash := sha256.Sum256([]byte(token))
	return slices.ContainsFunc(stored, func(t store.AdminToken) bool { return t.Hash == hash })
}

// adminTokens returns what the server asks for at each admin request: the configured token's hash and those of the store.
func adminTokens(configured string, tokens adminTokenStore) func(context.Context) ([][sha256.Size]byte, error) {
	return func(ctx context.Context) ([][sha256.Size]byte, error) {
		stored, err := tokens.AdminTokens(ctx)
		if err != nil {
			return nil, err
		}
		var hashes [][sha256.Size]byte
		if configured != "" {
			hashes = append(hashes, sha256.Sum256([]byte(configured)))
		}
		for _, t := range stored {
			hashes = append(hashes, t.Hash)
		}
		return hashes, nil
	}
}
