package codecache

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// spare is how long code is kept that no stored module needs: its module may be about to be stored.
	spare = time.Hour
	// spareKey is how long code of another key is kept after its last use: a server that is rolled back, or another
	// machine, may need it.
	spareKey = 30 * 24 * time.Hour
)

// Keep removes the code of modules whose digests are not in uploaded, if it was not used within the last hour; the
// remains of compilers that died; and all code of keys that were not used for 30 days.
func (c *Cache) Keep(uploaded []string) error {
	stored := map[string]bool{}
	for _, digest := range uploaded {
		stored[fileName(digest)] = true
	}
	compiled := map[string]bool{} // digests that stored modules use
	err := c.dropOld(usesFolder, func(name, path string) bool {
		if b, err := os.ReadFile(path); err == nil && stored[name] {
			compiled[string(b)] = true
		}
		return stored[name]
	})
	if err != nil {
		return err
	}
	needed := map[string]bool{} // paths of code
	err = c.dropOld(sealFolder, func(name, _ string) bool { return compiled[name] })
	if err == nil {
		err = c.eachSeal(func(s *seal) { needed[filepath.Join(c.Code(), s.File)] = true })
	}
	if err != nil {
		return err
	}
	if err := c.dropCode(needed); err != nil {
		return err
	}
	return c.dropFolders()
}

// dropOld removes the files of a folder that are old and not needed.
func (c *Cache) dropOld(folder string, needed func(name, path string) bool) error {
	folder = filepath.Join(c.folder, folder)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return storage(err)
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if needed(e.Name(), path) || !c.old(e, spare) {
			continue
		}
		if err := os.Remove(path); err != nil {
			return storage(err)
		}
	}
	return nil
}

// eachSeal calls f for each seal that can be read. The others keep nothing: their code is compiled again when it is
// needed.
func (c *Cache) eachSeal(f func(*seal)) error {
	folder := filepath.Join(c.folder, sealFolder)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return storage(err)
	}
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join(folder, e.Name())); err == nil {
			if s, err := parseSeal(b); err == nil {
				f(s)
			}
		}
	}
	return nil
}

// dropCode removes code without a seal, unless it is new: its seal may be about to come.
func (c *Cache) dropCode(needed map[string]bool) error {
	err := filepath.WalkDir(c.Code(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || needed[path] || !c.old(e, spare) {
			return err
		}
		return os.Remove(path)
	})
	return storage(err)
}

// dropFolders removes folders of compilers that are no more, of keys that are not used, and those that programs before
// this one used. Whatever else lies in the folder is not ours.
func (c *Cache) dropFolders() error {
	for folder, age := range map[string]time.Duration{c.folder: spare, c.root: spareKey} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return storage(err)
		}
		for _, e := range entries {
			path := filepath.Join(folder, e.Name())
			if !e.IsDir() || path == c.folder || !isOurs(folder == c.root, e.Name()) || !c.old(e, age) {
				continue
			}
			if err := os.RemoveAll(path); err != nil {
				return storage(err)
			}
		}
	}
	return nil
}

// isOurs reports whether a folder of that name may be removed once it is old.
func isOurs(inRoot bool, name string) bool {
	if !inRoot {
		return strings.HasPrefix(name, newPrefix)
	}
	for _, prefix := range []string{keyPrefix, "vetted-", "wazero-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// old reports whether an entry was not used for so long.
func (c *Cache) old(e fs.DirEntry, age time.Duration) bool {
	info, err := e.Info()
	return err == nil && c.now().Sub(info.ModTime()) > age
}

// fileName returns the name of the seal of a module.
func fileName(digest string) string { return strings.TrimPrefix(digest, "sha256:") }
