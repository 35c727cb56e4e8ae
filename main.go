// Command registrar is a client registration server for OAuth 2.0 and OpenID Connect (RFC 7591) whose steps can be
// replaced at runtime by WebAssembly scripts. Run it with --help.
package main

import (
	"os"

	"registrar/internal/cli"
)

func main() { os.Exit(cli.Main()) }
