package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// uploadFlags are what goes with an upload.
type uploadFlags struct {
	Signature string `placeholder:"FILE" help:"Signature of the module, as minisign made it; FILE.wasm.minisig, if there is one, unless given."`
}

// upload uploads the module in a file, with its signature.
func (f *uploadFlags) upload(ctx context.Context, api *adminapi.API, name, path string) (scripts.Module, error) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		return scripts.Module{}, err
	}
	signature, err := f.signature(path)
	if err != nil {
		return scripts.Module{}, err
	}
	return api.Upload(ctx, name, wasm, signature)
}

// signature returns what the signature's file holds; "" if there is none and none was asked for.
func (f *uploadFlags) signature(path string) (string, error) {
	b, err := os.ReadFile(cmp.Or(f.Signature, path+".minisig"))
	if f.Signature == "" && errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// scriptName returns the name of a script: the one that was given, else that of its file.
func scriptName(given, path string) (string, error) {
	name := cmp.Or(given, fileName(path))
	if !scripts.ValidName(name) {
		return "", usageError{fmt.Errorf("the name %q: a script's name is %s; say --name", name, scripts.NameRule)}
	}
	return name, nil
}

// fileName returns the name that a module gets from its file.
func fileName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".wasm") }

// localName is fileName for a module that nobody but this process sees: every file has one.
func localName(path string) string {
	if name := fileName(path); scripts.ValidName(name) {
		return name
	}
	return "script"
}
