package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"registrar/scripts"
	"registrar/scripts/javascript"
	"registrar/sdk"
)

// scriptNewCommand creates a script project.
type scriptNewCommand struct {
	Folder string `arg:"" placeholder:"DIR" help:"Folder of the project; must be empty or not exist."`
	Name   string `placeholder:"NAME" help:"${script_new_name}"`
	Lang   string `required:"" placeholder:"LANG" help:"${script_new_lang}"`
}

// sdkFolder returns the folder of the SDK for a value of --lang.
func sdkFolder(lang string) string {
	switch lang {
	case "as":
		return "assemblyscript"
	case "js":
		return "javascript"
	case "ts":
		return "typescript"
	}
	return lang
}

// Run writes the project.
func (c *scriptNewCommand) Run(to *console) error {
	name, err := c.scriptName()
	if err != nil {
		return usageError{err}
	}
	project, err := newProject(sdk.Files(), c.Lang, name)
	if err != nil {
		return usageError{err}
	}
	if err := writeProject(c.Folder, project); err != nil {
		return err
	}
	_, err = fmt.Fprintf(to.out, "created %s: see its README.md to build, test and deploy it\n", printable(c.Folder))
	return err
}

// scriptName returns the name of the project's script, which its module and its deployments have too.
func (c *scriptNewCommand) scriptName() (string, error) {
	if c.Name != "" {
		if !scripts.ValidName(c.Name) {
			return "", fmt.Errorf("--name %q: must be %s", c.Name, scripts.NameRule)
		}
		return c.Name, nil
	}
	folder, err := filepath.Abs(c.Folder) // "." has a name too
	if err != nil {
		return "", err
	}
	name := filepath.Base(folder)
	if !scripts.ValidName(name) {
		return "", fmt.Errorf("the folder's name %q is not a script's, which must be %s: use --name", name,
			scripts.NameRule)
	}
	return name, nil
}

// namePlaceholder is where the Makefile and the README.md of a template have the name of the script.
const namePlaceholder = "@NAME@"

// newProject returns the files of a script's project by path: the language's template and its SDK.
func newProject(files fs.FS, lang, script string) (map[string][]byte, error) {
	folder := sdkFolder(lang)
	if known := languages(files); !slices.Contains(known, lang) {
		return nil, fmt.Errorf("--lang %s: no such template; there are %s", lang, strings.Join(known, ", "))
	}
	project := map[string][]byte{}
	err := fs.WalkDir(files, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := fs.ReadFile(files, name)
		inside := strings.TrimPrefix(strings.TrimPrefix(name, folder+"/"), "template/")
		if inside == "Makefile" || inside == "README.md" {
			b = bytes.ReplaceAll(b, []byte(namePlaceholder), []byte(script))
		}
		if isPacked(lang) && inside == "script."+lang {
			inside = script + "." + lang // without a Makefile, the file has the script's name
		}
		project[strings.TrimSuffix(inside, ".tmpl")] = b
		return err
	})
	if isPacked(lang) {
		project["registrar.d.ts"] = []byte(javascript.Types)
	}
	return project, err
}

// isPacked reports whether scripts in a language are packed, instead of compiled by make.
func isPacked(lang string) bool { return lang == "js" || lang == "ts" }

// languages returns the values of --lang that have a template.
func languages(files fs.FS) []string {
	var known []string
	for _, lang := range []string{"ts", "js", "go", "rust", "as", "c"} {
		if _, err := fs.Stat(files, path.Join(sdkFolder(lang), "template")); err == nil {
			known = append(known, lang)
		}
	}
	return known
}

// writeProject writes a project's files into a folder, which must be empty or not exist.
func writeProject(folder string, project map[string][]byte) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return usageError{fmt.Errorf("%s is not empty", folder)}
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
