package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"registrar/internal/suggest"
	"registrar/internal/token"
)

// variablePrefix begins the names of environment variables that are flags.
const variablePrefix = "REGISTRAR_"

// variables are the environment variables that look like flags and are none.
type variables struct {
	misspelt []misspelling
	unknown  []string // the others, by name
}

// A misspelling is an unknown variable and the one that was probably meant.
type misspelling struct{ name, meant string }

func (m misspelling) Error() string {
	return fmt.Sprintf("unknown environment variable %s, did you mean %s?", m.name, m.meant)
}

// foreign matches variables that others set: Kubernetes for each service, such as REGISTRAR_PORT_8080_TCP_ADDR for one
// that is called registrar; and the tests of this project.
var foreign = regexp.MustCompile(`^REGISTRAR_(TEST_.*|(.*_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|` +
	`PORT(_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?))$`)

// readVariables returns the variables of environ, whose entries have the form NAME=VALUE, that no flag of the command
// line has. Their values are not read.
func readVariables(commands *kong.Node, environ []string) variables {
	known := knownVariables(commands)
	var found variables
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || slices.Contains(known, name) || foreign.MatchString(name) {
			continue
		}
		if meant := nearestVariable(name, known); meant != "" {
			found.misspelt = append(found.misspelt, misspelling{name, meant})
		} else {
			found.unknown = append(found.unknown, name)
		}
	}
	slices.SortFunc(found.misspelt, func(a, b misspelling) int { return strings.Compare(a.name, b.name) })
	slices.Sort(found.unknown)
	return found
}

// knownVariables returns the names of the variables that the commands read.
func knownVariables(commands *kong.Node) []string {
	known := []string{token.AdminVariable, variablePrefix + "CONFIG"}
	for _, name := range flagNames(commands) {
		known = append(known, variablePrefix+strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
	}
	return append(known, fileVariables(commands)...)
}

// nearestVariable returns the known variable that a misspelt one probably means, "" if none is near. A flag that is
// negated, as NO_WEB_LOOPBACK, is a variable without NO_ that is false.
func nearestVariable(name string, known []string) string {
	short := strings.TrimPrefix(name, variablePrefix)
	if short == "" {
		return ""
	}
	if positive := variablePrefix + strings.TrimPrefix(short, "NO_"); positive != name &&
		slices.Contains(known, positive) {
		return positive + "=false"
	}
	bare := make([]string, len(known))
	for i, candidate := range known {
		bare[i] = strings.TrimPrefix(candidate, variablePrefix)
	}
	if nearest := suggest.Nearest(short, bare, suggest.Lenient); nearest != "" {
		return variablePrefix + nearest
	}
	return ""
}

// refuse returns an error if variables are misspelt: the flags that were meant would silently have their defaults.
func (v variables) refuse() error {
	var errs []error
	for _, m := range v.misspelt {
		errs = append(errs, usageError{m})
	}
	return errors.Join(errs...)
}
