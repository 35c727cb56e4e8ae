// Package sdk carries what authors of scripts need, so that the program can write a project without a network. Each
// folder is a language: template is a project's first files, and what stands beside it is the SDK that they use.
package sdk

import "embed"

// A module of its own would not be embedded: files of that name end in .tmpl.
//
//go:embed */template */registrar*
var files embed.FS

// Files returns the sources: go/template, go/registrar, c/template, c/registrar.h and so on.
func Files() embed.FS { return files }
