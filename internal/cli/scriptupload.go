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
	"registrar/scripts/javascript"
	"registrar/server/adminapi"
)

// uploadFlags are the flags of an upload.
type uploadFlags struct {
	Signature string `placeholder:"FILE" help:"${signature}"`
}

// upload uploads the module that was read from a file, with its signature if it has one.
func (f *uploadFlags) upload(
	ctx context.Context, api *adminapi.API, name, path string, wasm []byte,
) (scripts.Module, error) {
	signature, err := f.signature(path)
	if err != nil {
		return scripts.Module{}, err
	}
	return api.Upload(ctx, name, wasm, signature)
}

// signature returns the content of the signature's file, "" if none was named and the default does not exist.
func (f *uploadFlags) signature(path string) (string, error) {
	b, err := os.ReadFile(cmp.Or(f.Signature, path+".minisig"))
	if f.Signature == "" && errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// scriptName returns given, or if that is empty the name that the file gives its script.
func scriptName(given, path string) (string, error) {
	name := cmp.Or(given, fileName(path))
	if !scripts.ValidName(name) {
		return "", usageError{fmt.Errorf("invalid script name %q: it must be %s; use --name", name, scripts.NameRule)}
	}
	return name, nil
}

// fileName returns the name that a file gives its module.
func fileName(path string) string {
	base := filepath.Base(path)
	if javascript.IsScript(path) {
		return strings.TrimSuffix(base, filepath.Ext(base))
	}
	return strings.TrimSuffix(base, ".wasm")
}

// localName is fileName for a module that stays in this process. It falls back to "script".
func localName(path string) string {
	if name := fileName(path); scripts.ValidName(name) {
		return name
	}
	return "script"
}
