// Command generate rewrites the hostile modules and their README.md. Run it in the module's root.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"registrar/internal/wasmtest/hostile"
)

func main() {
	folder := flag.String("o", filepath.Join("testdata", "wasm", "hostile"), "`folder` to write to")
	flag.Parse()
	if err := generate(*folder); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate writes all files. A module that is no longer in the list is removed.
func generate(folder string) error {
	old, err := filepath.Glob(filepath.Join(folder, "*.wasm"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for _, m := range hostile.Modules() {
		if m.Large {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, m.Name+".wasm"), m.Wasm(), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "README.md"), hostile.Readme(), 0o644)
}
