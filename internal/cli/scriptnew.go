package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"registrar/sdk"
)

// scriptNewCommand writes the project of a script.
type scriptNewCommand struct {
	Folder string `arg:"" placeholder:"DIR" help:"Where to write it: a folder that is empty or not there yet."`
	Lang   string `required:"" placeholder:"LANG" help:"Language: go, rust, as (AssemblyScript) or c."`
}

// sdkFolder returns where a language's SDK is, by the name that --lang knows.
func sdkFolder(lang string) string {
	if lang == "as" {
		return "assemblyscript"
	}
	return lang
}

// Run writes the project.
func (c *scriptNewCommand) Run(to *console) error {
	project, err := newProject(sdk.Files(), c.Lang)
	if err != nil {
		return usageError{err}
	}
	if err := writeProject(c.Folder, project); err != nil {
		return err
	}
	_, err = fmt.Fprintf(to.out, "%s holds a script: README.md says how to build, test and deploy it\n", printable(c.Folder))
	return err
}

// newProject returns the files of a project, by their path in it: the language's template, and the SDK beside that.
func newProject(files fs.FS, lang string) (map[string][]byte, error) {
	folder := sdkFolder(lang)
	if known := languages(files); !slices.Contains(known, lang) {
		return nil, fmt.Errorf("--lang %s: there is no template; there is one for %s", lang, strings.Join(known, ", "))
	}
	project := map[string][]byte{}
	err := fs.WalkDir(files, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := fs.ReadFile(files, name)
		inside := strings.TrimPrefix(strings.TrimPrefix(name, folder+"/"), "template/")
		project[strings.TrimSuffix(inside, ".tmpl")] = b
		return err
	})
	return project, err
}

// languages returns what --lang may be: the languages that have a template.
func languages(files fs.FS) []string {
	var known []string
	for _, lang := range []string{"go", "rust", "as", "c"} {
		if _, err := fs.Stat(files, path.Join(sdkFolder(lang), "template")); err == nil {
			known = append(known, lang)
		}
	}
	return known
}

// writeProject writes a project's files into a folder in which there is nothing.
func writeProject(folder string, project map[string][]byte) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return usageError{fmt.Errorf("%s is not empty: name a folder that is, or one that is not there yet", folder)}
	}
	for _, name := range slices.Sorted(maps.Keys(project)) {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, project[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
