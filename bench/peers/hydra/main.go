// Command hydra is Ory Hydra, of the version in go.mod.
package main

import "github.com/ory/hydra/v2/cmd"

func main() { cmd.Execute() }
