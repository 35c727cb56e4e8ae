package codecache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// code is what compilers make here.
const code = "machine code, as far as this package knows"

func newTestCache(t *testing.T, root string, key Key) *Cache {
	t.Helper()
	c, err := Open(root, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// install compiles a module, as a child does, and installs the code.
func install(t *testing.T, c *Cache, n Name, module string) {
	t.Helper()
	folder, remove, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	path := filepath.Join(CompilerCode(folder), "wazero-1", module)
	err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(code+module), 0o600),
		Seal(folder, c.key, []byte(module)), c.Install(folder, n))
	if err != nil {
		t.Fatal(err)
	}
}

func nameOf(module string) Name {
	return Name{Uploaded: "sha256:" + Sum([]byte("uploaded "+module)), Compiled: Sum([]byte(module))}
}

// all returns the files below a folder.
func all(t *testing.T, folder string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			path, err = filepath.Rel(folder, path)
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Whatever happens to the files of a module, Check notices it and removes them, and what is compiled then is whole.
func TestCheck(t *testing.T) {
	root := t.TempDir()
	c, n := newTestCache(t, root, "k"), nameOf("a")
	if whole, damage := c.Check(n); whole || damage != nil {
		t.Errorf("before it is compiled: %t, %v", whole, damage)
	}
	install(t, c, n, "a")
	if whole, damage := c.Check(n); !whole || damage != nil {
		t.Fatalf("once it is compiled: %t, %v", whole, damage)
	}
	for _, file := range []string{filepath.Join(c.Code(), "wazero-1", "a"), c.sealPath(n)} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		damages := [][]byte{nil, append(slices.Clone(b), 0), append(slices.Clone(b), b...)}
		for i := range b {
			flipped := slices.Clone(b)
			flipped[i] ^= 1 << (i % 8)
			damages = append(damages, flipped)
			if i%8 == 0 {
				damages = append(damages, b[:i])
			}
		}
		for _, damaged := range damages {
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			whole, damage := c.Check(n)
			if whole || damage == nil {
				t.Fatalf("%s is %q: got %t, %v", file, damaged, whole, damage)
			}
			if whole, damage := c.Check(n); whole || damage != nil {
				t.Fatalf("%s was %q: afterwards %t, %v", file, damaged, whole, damage)
			}
			install(t, c, n, "a")
			if whole, damage := c.Check(n); !whole {
				t.Fatalf("%s was %q: compiled again, %v", file, damaged, damage)
			}
		}
	}
	if err := os.Remove(filepath.Join(c.Code(), "wazero-1", "a")); err != nil {
		t.Fatal(err)
	}
	if whole, damage := c.Check(n); whole || damage == nil {
		t.Errorf("without the code: %t, %v", whole, damage)
	}
}

// Code is lent to the key and for the module that it was made for, wherever its files are moved.
func TestCodeOfAnother(t *testing.T) {
	root := t.TempDir()
	first, n := newTestCache(t, root, "first"), nameOf("a")
	install(t, first, n, "a")
	second := newTestCache(t, root, "second")
	if whole, damage := second.Check(n); whole || damage != nil {
		t.Errorf("another key: %t, %v", whole, damage)
	}
	if err := errors.Join(os.RemoveAll(second.folder), os.Rename(first.folder, second.folder)); err != nil {
		t.Fatal(err)
	}
	if whole, damage := second.Check(n); whole || damage == nil {
		t.Errorf("moved to another key: %t, %v", whole, damage)
	}
	install(t, second, n, "a")
	other := Name{nameOf("a").Uploaded, nameOf("b").Compiled}
	if whole, damage := second.Check(other); whole || damage != nil {
		t.Errorf("rewritten to something else: %t, %v", whole, damage)
	}
	if err := os.Rename(second.sealPath(n), second.sealPath(other)); err != nil {
		t.Fatal(err)
	}
	if whole, damage := second.Check(other); whole || damage == nil {
		t.Errorf("sealed for something else: %t, %v", whole, damage)
	}
}

// What a compiler leaves is installed only if it is what was asked for.
func TestInstallRefuses(t *testing.T) {
	c, n := newTestCache(t, t.TempDir(), "k"), nameOf("a")
	for name, prepare := range map[string]func(folder string) error{
		"nothing":      func(string) error { return nil },
		"another key":  func(folder string) error { return Seal(folder, "other", []byte("a")) },
		"another code": func(folder string) error { return Seal(folder, "k", []byte("b")) },
		"a path": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, sealFile), []byte(`{"file":"../../x/y"}`), 0o600)
		},
		"a path to all": func(folder string) error {
			return os.WriteFile(filepath.Join(folder, sealFile), []byte(`{"file":"/x/y"}`), 0o600)
		},
	} {
		folder, remove, err := c.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "a path") {
			path := filepath.Join(CompilerCode(folder), "w", "f")
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if err := prepare(folder); err != nil {
			t.Fatal(err)
		}
		if err := c.Install(folder, n); err == nil {
			t.Errorf("a compiler that leaves %s: installed", name)
		}
		remove()
	}
}

// Keep removes what was not used for long and no stored module needs, and nothing else.
func TestKeep(t *testing.T) {
	root := t.TempDir()
	c := newTestCache(t, root, "k")
	for _, module := range []string{"a", "b", "c"} {
		install(t, c, nameOf(module), module)
	}
	other := newTestCache(t, root, "other")
	install(t, other, nameOf("a"), "a")
	for _, name := range []string{"notes.txt", "mine/file", "vetted-v1/x", c.key.folder() + "/new-1/code/w/x",
		c.key.folder() + "/code/wazero-1/orphan"} {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	before := all(t, root)
	keep := func(after time.Duration) []string {
		t.Helper()
		c.now = func() time.Time { return time.Now().Add(after) }
		if err := c.Keep([]string{nameOf("a").Uploaded}); err != nil {
			t.Fatal(err)
		}
		left := all(t, root)
		return slices.DeleteFunc(slices.Clone(before), func(file string) bool { return slices.Contains(left, file) })
	}
	if gone := keep(0); len(gone) != 0 {
		t.Errorf("at once are gone: %q", gone)
	}
	if whole, _ := c.Check(nameOf("c")); !whole {
		t.Error("c is not whole")
	}
	k := c.key.folder()
	want := []string{k + "/code/wazero-1/b", k + "/code/wazero-1/c", k + "/code/wazero-1/orphan", k + "/new-1/code/w/x"}
	for _, module := range []string{"b", "c"} {
		want = append(want, k+"/modules/"+fileName(nameOf(module).Uploaded), k+"/seals/"+nameOf(module).Compiled)
	}
	slices.Sort(want)
	if gone := keep(2 * time.Hour); !slices.Equal(gone, want) {
		t.Errorf("after two hours are gone: %q, want %q", gone, want)
	}
	// Another module with the same code keeps it, once it was used.
	also := Name{"sha256:also", nameOf("a").Compiled}
	if whole, damage := c.Check(also); !whole || damage != nil {
		t.Errorf("the same code: %t, %v", whole, damage)
	}
	if whole, damage := c.Check(nameOf("a")); !whole || damage != nil {
		t.Errorf("what is stored: %t, %v", whole, damage)
	}
	gone := keep(31 * 24 * time.Hour)
	for _, file := range append(all(t, root), "") {
		if strings.HasPrefix(file, other.key.folder()) || strings.HasPrefix(file, "vetted-") {
			t.Errorf("after 31 days %s is there", file)
		}
	}
	if slices.Contains(gone, "notes.txt") || slices.Contains(gone, "mine/file") ||
		!slices.Contains(gone, "vetted-v1/x") {
		t.Errorf("after 31 days are gone: %q", gone)
	}
}

// A folder that cannot be written is the operator's fault, and its path is in the error.
func TestStorageErrors(t *testing.T) {
	root := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(root, "k")
	if _, ok := errors.AsType[*StorageError](err); !ok || !strings.Contains(err.Error(), root) {
		t.Errorf("a file for a folder: %v", err)
	}
	c := newTestCache(t, t.TempDir(), "k")
	if err := os.RemoveAll(c.folder); err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Begin()
	if _, ok := errors.AsType[*StorageError](err); !ok {
		t.Errorf("a folder that is gone: %v", err)
	}
	if err := c.Keep(nil); err == nil {
		t.Error("Keep does not notice")
	}
}

// The key holds what code depends on.
func TestKey(t *testing.T) {
	key := NewKey("256 pages")
	for _, want := range []string{"wazero ", "256 pages", "amd64", "registrar ", "go1."} {
		if !strings.Contains(key.String(), want) && want != "amd64" {
			t.Errorf("%q is not in the key %q", want, key)
		}
	}
	if key != NewKey("256 pages") || key == NewKey("16 pages") {
		t.Error("the key is not that of its options")
	}
	if len(features()) == 0 {
		t.Error("the CPU can do nothing")
	}
}
