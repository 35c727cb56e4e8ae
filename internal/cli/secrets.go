package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"registrar/internal/secretfile"
)

// secretTag is the tag of a flag whose value may hold a secret. It names the flag that takes a file instead. The
// environment variable of the flag, with _FILE at its end, names a file too.
const secretTag = "secret"

// fileVariable returns the environment variable that names the file of a flag with secretTag.
func fileVariable(flag *kong.Flag) string { return flag.Envs[0] + "_FILE" }

// fileVariables returns the variables of all commands that name files of secrets.
func fileVariables(node *kong.Node) (names []string) {
	for _, flag := range node.Flags {
		if flag.Tag.Has(secretTag) {
			names = append(names, fileVariable(flag))
		}
	}
	for _, child := range node.Children {
		names = append(names, fileVariables(child)...)
	}
	return names
}

// AfterApply reads the files that hold the values of flags with secretTag. kong calls it when the flags have their
// values. It is an error to give a value in two ways, whichever would come first.
func (*cli) AfterApply(ctx *kong.Context) error {
	flags := ctx.Flags()
	for _, flag := range flags {
		if !flag.Tag.Has(secretTag) {
			continue
		}
		var given []string // the names of the ways
		var path, from string
		if by := givenBy(ctx, flag); by != "" {
			given = append(given, by)
		}
		for _, other := range flags {
			if by := givenBy(ctx, other); other.Name == flag.Tag.Get(secretTag) && by != "" {
				given, path, from = append(given, by), other.Target.String(), by
			}
		}
		if value, ok := os.LookupEnv(fileVariable(flag)); ok {
			given, path, from = append(given, fileVariable(flag)), value, fileVariable(flag)
		}
		if len(given) > 1 {
			return fmt.Errorf("%s exclude each other: set one of them", strings.Join(given, " and "))
		}
		if from == "" {
			continue
		}
		if path == "" {
			return fmt.Errorf("%s: must name a file", from)
		}
		value, err := secretfile.Read(path)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		flag.Target.SetString(value)
	}
	return nil
}

// givenBy returns the name by which a flag was given: the flag's, its variable's, or its member's in the configuration
// file. "" means that it has its default.
func givenBy(ctx *kong.Context, flag *kong.Flag) string {
	member := ""
	for _, path := range ctx.Path {
		if path.Flag != flag {
			continue
		}
		if !path.Resolved {
			return "--" + flag.Name
		}
		member = flag.Name + " in the configuration file"
	}
	if member == "" && inEnvironment(flag) {
		return flag.Envs[0]
	}
	return member
}
