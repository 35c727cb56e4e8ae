// Package sdk embeds the SDKs and templates for scripts, so that "script new" needs no network. Each folder is a
// language: template has the first files of a project, and beside it is the SDK that they use.
package sdk

import "embed"

// Folders with a go.mod are left out by go:embed, so go.mod and the Go files beside it end in .tmpl.
//
//go:embed */template */registrar*
var files embed.FS

// Files returns the sources: go/template, go/registrar, c/template, c/registrar.h and so on.
func Files() embed.FS { return files }
