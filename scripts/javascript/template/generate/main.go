// Command generate writes the parts of the template of scripts in JavaScript that follow registrar_v1: the imports and
// exports of the shim, the members of the object that a step gets, and registrar.d.ts. The steps are the engine's, and
// the members of a client are those of [engine.Metadata], each with its row of docs/metadata.md.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", ".", "the folder of registrar's go.mod")
	flag.Parse()
	files, err := generate(*root)
	if err != nil {
		log.Fatal(err)
	}
	for path, text := range files {
		if err := os.WriteFile(filepath.Join(*root, path), []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// generate returns the texts of the generated files by their paths in root.
func generate(root string) (map[string]string, error) {
	types, err := declarations(root)
	if err != nil {
		return nil, fmt.Errorf("generating registrar.d.ts: %w", err)
	}
	return map[string]string{
		"scripts/javascript/template/host.h":    hostHeader(),
		"scripts/javascript/template/steps.h":   stepsHeader(),
		"scripts/javascript/template/members.h": membersHeader(),
		"scripts/javascript/registrar.d.ts":     types,
	}, nil
}
