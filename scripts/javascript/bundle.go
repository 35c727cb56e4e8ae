package javascript

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	esbuild "github.com/evanw/esbuild/pkg/api"
	"github.com/go-json-experiment/json"

	"registrar/scripts"
)

// A File is a file of a script.
type File struct {
	Name string `json:"name"` // relative to the script's folder, with slashes
	Text string `json:"text"`
}

// A bundle is a script as one ES module.
type bundle struct {
	files    []File   // the script's own first, the others by name
	code     string   // JavaScript
	sources  []string // files of the source map
	mappings string   // of the source map (ECMA-426)
}

// entry returns the name of the script's own file.
func (b *bundle) entry() string { return b.files[0].Name }

// options are those of every bundle. A tsconfig.json does not count, so that only the script says what it is.
func options() esbuild.BuildOptions {
	return esbuild.BuildOptions{
		Bundle: true, Format: esbuild.FormatESModule, Platform: esbuild.PlatformNeutral,
		Target: esbuild.ES2023, Charset: esbuild.CharsetUTF8, MainFields: []string{"module", "main"},
		TsconfigRaw: "{}", LegalComments: esbuild.LegalCommentsNone,
		Sourcemap: esbuild.SourceMapExternal, SourcesContent: esbuild.SourcesContentExclude,
		Outfile: "script.js", Metafile: true, LogLevel: esbuild.LogLevelSilent, LogLimit: maxProblems,
	}
}

// bundleFile bundles a script and what it imports.
func bundleFile(file string) (bundle, error) {
	name := filepath.Base(file)
	if !IsScript(file) {
		return bundle{}, problem(name, "a script's file must end in %s", strings.Join(extensions, ", "))
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return bundle{}, err
	}
	// The bundler names files by their real paths, so the folder must be one.
	if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
		return bundle{}, err
	}
	info, err := os.Stat(absolute)
	if err != nil {
		return bundle{}, err
	}
	if info.Size() > scripts.MaxSource {
		return bundle{}, tooLarge(name, info.Size())
	}
	folder := filepath.Dir(absolute)
	o := options()
	o.EntryPoints, o.AbsWorkingDir = []string{absolute}, folder
	b, inputs, err := build(o, name)
	if err != nil {
		return bundle{}, err
	}
	b.files, err = readFiles(folder, filepath.Base(absolute), inputs)
	return b, err
}

// errImport is what an import of a text is answered with.
const errImport = "a script that is sent as a text cannot import: pack it with registrar script pack, " +
	"and send the module"

// fileSourceMap finds a comment that names a source map by a file URL, which the bundler would read. It reads no
// relative URL of a text, which has no folder.
var fileSourceMap = regexp.MustCompile(`(?i)[#@] sourceMappingURL=file:`)

// errSourceMap is what such a comment is answered with.
const errSourceMap = "the source map of a script that is sent as a text cannot be a file: " +
	"leave the comment sourceMappingURL out"

// bundleText bundles a script that imports nothing.
func bundleText(name string, text []byte) (bundle, error) {
	if len(text) > scripts.MaxSource {
		return bundle{}, tooLarge(name, int64(len(text)))
	}
	if err := checkText(name, string(text)); err != nil {
		return bundle{}, err
	}
	if i := fileSourceMap.FindIndex(text); i != nil {
		line := 1 + strings.Count(string(text[:i[0]]), "\n")
		return bundle{}, &Error{[]Problem{{File: name, Line: line, Column: 1, Text: errSourceMap}}}
	}
	loader := esbuild.LoaderJS
	if ext := filepath.Ext(name); ext == ".ts" || ext == ".mts" {
		loader = esbuild.LoaderTS
	}
	o := options()
	o.AbsWorkingDir = "/" // of which nothing is read
	o.Stdin = &esbuild.StdinOptions{Contents: string(text), Sourcefile: name, Loader: loader}
	o.Plugins = []esbuild.Plugin{{Name: "no-imports", Setup: func(b esbuild.PluginBuild) {
		b.OnResolve(esbuild.OnResolveOptions{Filter: ".*"},
			func(args esbuild.OnResolveArgs) (esbuild.OnResolveResult, error) {
				if args.Kind == esbuild.ResolveEntryPoint {
					return esbuild.OnResolveResult{}, nil
				}
				return esbuild.OnResolveResult{Errors: []esbuild.Message{{Text: errImport}}}, nil
			})
	}}}
	b, _, err := build(o, name)
	b.files = []File{{name, string(text)}}
	return b, err
}

// build runs the bundler, and returns the names of the files that it read.
func build(o esbuild.BuildOptions, name string) (b bundle, inputs []string, err error) {
	result := esbuild.Build(o)
	if err := bundlerError(result.Errors, name); err != nil {
		return bundle{}, nil, err
	}
	var sourceMap struct {
		Sources  []string `json:"sources"`
		Mappings string   `json:"mappings"`
	}
	for _, out := range result.OutputFiles {
		if !strings.HasSuffix(out.Path, ".map") {
			b.code = string(out.Contents)
		} else if err := json.Unmarshal(out.Contents, &sourceMap); err != nil {
			return bundle{}, nil, fmt.Errorf("reading the bundler's source map: %w", err)
		}
	}
	var meta struct {
		Inputs map[string]struct{} `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(result.Metafile), &meta); err != nil {
		return bundle{}, nil, fmt.Errorf("reading the bundler's list of files: %w", err)
	}
	for input := range meta.Inputs {
		inputs = append(inputs, input)
	}
	b.sources, b.mappings = sourceMap.Sources, sourceMap.Mappings
	if len(b.code) > maxCode {
		err = problem(name, "the script has %d bytes without types and comments: at most %d are allowed; "+
			"import less of packages, or move tables into the config", len(b.code), maxCode)
	}
	return b, inputs, err
}

// readFiles reads the files that the bundler read, whose names are relative to the script's folder.
func readFiles(folder, entry string, inputs []string) ([]File, error) {
	slices.SortFunc(inputs, func(a, b string) int {
		return cmp.Or(compareBool(b == entry, a == entry), cmp.Compare(a, b))
	})
	var files []File
	total := 0
	for _, name := range inputs {
		if !fs.ValidPath(name) && !slices.Contains(strings.Split(name, "/"), "node_modules") {
			return nil, problem(entry, "the import of %s is outside of the script's folder: "+
				"copy the file into the folder, or make a package of it and npm install that", path.Clean(name))
		}
		b, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // not a file: a data URL, or what the bundler puts in place of a disabled module
		}
		if err != nil {
			return nil, err
		}
		if err := checkText(name, string(b)); err != nil {
			return nil, err
		}
		if total += len(b); total > scripts.MaxSource {
			return nil, tooLarge(entry, int64(total))
		}
		files = append(files, File{name, string(b)})
	}
	return files, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func tooLarge(name string, size int64) error {
	return problem(name, "the script and what it imports have %d bytes: at most %d are allowed; "+
		"import less, or move tables into the config", size, scripts.MaxSource)
}

// checkText refuses what is no text.
func checkText(name, text string) error {
	if i := strings.IndexByte(text, 0); i >= 0 {
		line := 1 + strings.Count(text[:i], "\n")
		return &Error{[]Problem{{File: name, Line: line, Column: 1, Text: "the file holds a NUL: write it as \\0"}}}
	}
	if !utf8.ValidString(text) {
		return problem(name, "the file must be UTF-8")
	}
	return nil
}
