// Package codecache keeps the machine code of modules in a folder, so that each is compiled once, and lends only what
// is whole.
//
// A folder may be shared: by servers of several versions, and by machines that differ. So each [Key], which holds all
// that code depends on, has a subfolder. In it a process that compiles fills a folder of its own ([Cache.Begin]) and
// seals what it made ([Seal]): the code's size and its SHA-256. [Cache.Install] moves both to where [Cache.Check] finds
// them. Code that is damaged is removed, and is then as if it had never been compiled. [Cache.Keep] removes what is
// no longer needed.
package codecache

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
)

// A StorageError reports that the folder cannot be written or read, which is its operator's to mend: the disk is full,
// read-only or broken. It names the path.
type StorageError struct{ Err error }

// Error returns the text of the system's error.
func (e *StorageError) Error() string { return "the folder of compiled modules: " + e.Err.Error() }

// Unwrap returns the system's error.
func (e *StorageError) Unwrap() error { return e.Err }

func storage(err error) error {
	if err == nil {
		return nil
	}
	return &StorageError{err}
}

// A Name names the code of a module. Modules that differ in nothing that is compiled share theirs.
type Name struct {
	Uploaded string // digest of the module as it was uploaded, as package scripts has it
	Compiled string // digest of what was compiled: the same module, rewritten; in hexadecimal
}

// The names in the folder of a key. A compiler's own folder has codeFolder and sealFile too.
const (
	codeFolder = "code"    // what wazero reads
	sealFolder = "seals"   // named by the digests of what was compiled
	usesFolder = "modules" // named by the digests of what was uploaded: files with that of what was compiled of it
	sealFile   = "seal"
	newPrefix  = "new-" // folders of compilers
	keyPrefix  = "code-"
)

// A seal is what a compiler says of the code that it made.
type seal struct {
	Key      string `json:"key"`
	Compiled string `json:"compiled"`
	File     string `json:"file"` // below the folder of code
	Size     int64  `json:"size"` // of the file, in bytes
	SHA256   string `json:"sha256"`
}

// A Cache is the code of one key. It is safe for concurrent use, as long as no two goroutines use
// names with the same Compiled.
type Cache struct {
	root   string // the shared folder
	key    Key
	folder string // of the key
	now    func() time.Time
}

// Open returns the cache of a key in a folder, which exists and belongs only to this user.
func Open(root string, key Key) (*Cache, error) {
	c := &Cache{root: root, key: key, folder: filepath.Join(root, key.folder()), now: time.Now}
	for _, name := range []string{codeFolder, sealFolder, usesFolder} {
		if err := os.MkdirAll(filepath.Join(c.folder, name), 0o700); err != nil {
			return nil, storage(err)
		}
	}
	// For people who look into the folder. Nothing depends on it.
	_ = os.WriteFile(filepath.Join(c.folder, "key.txt"), []byte(key.String()+"\n"), 0o600)
	return c, nil
}

// Code returns the folder in which wazero finds code.
func (c *Cache) Code() string { return filepath.Join(c.folder, codeFolder) }

func (c *Cache) sealPath(n Name) string {
	return filepath.Join(c.folder, sealFolder, n.Compiled)
}

func (c *Cache) usePath(n Name) string {
	return filepath.Join(c.folder, usesFolder, fileName(n.Uploaded))
}

// Check reports whether there is code of a module that is whole, byte for byte what a compiler sealed. Where there is
// code that is not, damage says what is wrong with it, and it is removed.
func (c *Cache) Check(n Name) (whole bool, damage error) {
	s, err := c.readSeal(n)
	if s == nil && errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = c.compare(s)
	}
	if err != nil {
		return false, errors.Join(err, c.Remove(n))
	}
	c.use(n)
	return true, nil
}

// readSeal returns the seal of a module, nil with any error.
func (c *Cache) readSeal(n Name) (*seal, error) {
	b, err := os.ReadFile(c.sealPath(n))
	if err != nil {
		return nil, err
	}
	s, err := parseSeal(b)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the seal: %w", err)
	case s.Key != c.key.String():
		return nil, errors.New("it was compiled by another program, or for another machine")
	case s.Compiled != n.Compiled:
		return nil, errors.New("it was compiled from something else")
	}
	return s, nil
}

func parseSeal(b []byte) (*seal, error) {
	var s seal
	if err := json.Unmarshal(b, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	if !filepath.IsLocal(s.File) || filepath.Dir(s.File) == "." {
		return nil, fmt.Errorf("the file %q is not below the folder of code", s.File)
	}
	return &s, nil
}

// compare compares a file with its seal.
func (c *Cache) compare(s *seal) error {
	size, sum, err := sumOf(filepath.Join(c.Code(), s.File))
	switch {
	case err != nil:
		return err
	case size != s.Size:
		return fmt.Errorf("it has %d bytes instead of %d", size, s.Size)
	case sum != s.SHA256:
		return errors.New("its bytes were changed")
	}
	return nil
}

// sumOf returns the size of a file in bytes and its SHA-256.
func sumOf(path string) (int64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.CopyBuffer(h, onlyReader{f}, make([]byte, 256<<10))
	return n, hex.EncodeToString(h.Sum(nil)), err
}

// onlyReader has CopyBuffer use its buffer.
type onlyReader struct{ io.Reader }

// use notes that a module's code and the key's folder are in use; see [Cache.Keep]. On a disk that cannot be written
// that is not noted, and the code may have to be compiled again.
func (c *Cache) use(n Name) {
	if b, err := os.ReadFile(c.usePath(n)); err != nil || string(b) != n.Compiled {
		_ = os.WriteFile(c.usePath(n), []byte(n.Compiled), 0o600)
	}
	now := c.now()
	_ = os.Chtimes(c.sealPath(n), now, now)
	_ = os.Chtimes(c.folder, now, now)
}

// Remove removes the code of a module. Where the seal is unreadable, only that: the code is then written over.
func (c *Cache) Remove(n Name) error {
	b, err := os.ReadFile(c.sealPath(n))
	if err == nil {
		if s, err := parseSeal(b); err == nil {
			_ = os.Remove(filepath.Join(c.Code(), s.File))
		}
	}
	if err := os.Remove(c.sealPath(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storage(err)
	}
	return nil
}

// Begin returns a new folder for a compiler, and how to remove it.
func (c *Cache) Begin() (folder string, remove func(), err error) {
	folder, err = os.MkdirTemp(c.folder, newPrefix)
	if err != nil {
		return "", nil, storage(err)
	}
	return folder, func() { _ = os.RemoveAll(folder) }, nil
}

// CompilerCode returns where a compiler that was given a folder by [Cache.Begin] has wazero write to.
func CompilerCode(folder string) string { return filepath.Join(folder, codeFolder) }

// Seal seals the only code in a compiler's folder, which is that of module.
func Seal(folder string, key Key, module []byte) error {
	files, err := filepath.Glob(filepath.Join(CompilerCode(folder), "*", "*"))
	if err != nil {
		return err
	}
	if len(files) != 1 {
		return fmt.Errorf("wazero wrote %d files instead of one: it has no compiler for this machine (%s)", len(files),
			key)
	}
	file, err := filepath.Rel(CompilerCode(folder), files[0])
	if err != nil {
		return err
	}
	s := seal{Key: key.String(), Compiled: Sum(module), File: file}
	if s.Size, s.SHA256, err = sumOf(files[0]); err != nil {
		return storage(err)
	}
	b, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		return err
	}
	return storage(writeDurably(filepath.Join(folder, sealFile), b))
}

// Sum returns the digest of a rewritten module, as [Name] has it.
func Sum(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

func writeDurably(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(content))
	return errors.Join(err, f.Sync(), f.Close())
}

// Install puts what a compiler sealed in its folder to where [Cache.Check] finds it. The code comes first: a seal
// without its code is no code.
func (c *Cache) Install(folder string, n Name) error {
	b, err := os.ReadFile(filepath.Join(folder, sealFile))
	if err != nil {
		return storage(err)
	}
	s, err := parseSeal(b)
	if err != nil {
		return fmt.Errorf("reading the compiler's seal: %w", err)
	}
	if s.Compiled != n.Compiled || s.Key != c.key.String() {
		return errors.New("the compiler compiled something else, or is another program than this")
	}
	to := filepath.Join(c.Code(), s.File)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return storage(err)
	}
	if err := os.Rename(filepath.Join(CompilerCode(folder), s.File), to); err != nil {
		return storage(err)
	}
	if err := os.Rename(filepath.Join(folder, sealFile), c.sealPath(n)); err != nil {
		return storage(err)
	}
	c.use(n)
	return nil
}
