package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// toolNames are names that build tools and examples give to any module, so they do not say which script it is.
var toolNames = []string{"a.out", "debug", "index", "main", "module", "optimized", "out", "release", "script"}

// checkLoss returns an error if the pushed script, as it would be deployed in the place of old, lacks a step that old
// replaces, or would keep a configuration that its module does not know. Either is a sign of another script that
// happens to have the name; so is a file with a name of toolNames, if that is all that names the script.
func (p *pushed) checkLoss(ctx context.Context, api *adminapi.API, old, deployed scripts.Script) error {
	if old.Module == deployed.Module && p.script.Steps == nil {
		return nil
	}
	if !p.named && slices.Contains(toolNames, old.Name) {
		return fmt.Errorf("not deployed: there is a script %s with another module, and %s is a name that "+
			"build tools give to any module: say with --name which script it is", old.Name, p.file)
	}
	was, err := api.Module(ctx, old.Module)
	if err != nil {
		return fmt.Errorf("reading the module that would be replaced: %w", err)
	}
	if lost := lostSteps(stepsOf(old, was), stepsOf(deployed, p.module)); lost != nil {
		return p.refuse("script %s replaces %s, and %s does not", old.Name, strings.Join(lost, ", "), p.file)
	}
	if p.script.Config != nil || !hasMembers(old.Config) || p.module.ConfigSchema != nil {
		return nil // where the module carries a schema, the server checks the configuration against it
	}
	oldBytes, err := api.ModuleBytes(ctx, old.Module)
	if err != nil {
		return fmt.Errorf("reading the module that would be replaced: %w", err)
	}
	if readsConfig(was) && !readsConfig(p.module) && !p.module.Command() {
		return p.refuse("script %s has a config, and %s reads none", old.Name, p.file)
	}
	if unknown := unknownMembers(old.Config, oldBytes, p.wasm); unknown != nil {
		return p.refuse("the config of script %s has %s, which its module in force knows and %s does not: "+
			"give the config with --config-json", old.Name, strings.Join(unknown, ", "), p.file)
	}
	return nil
}

// refuse returns an error that also says how to go on.
func (p *pushed) refuse(format string, args ...any) error {
	return fmt.Errorf("not deployed: "+format+"; choose another --name if this is another script, "+
		"or --replace if it is meant to take the place of %s", append(args, p.script.Name)...)
}

// stepsOf returns the steps that a script replaces.
func stepsOf(s scripts.Script, m scripts.Module) []string {
	if m.Command() {
		return s.Steps
	}
	return m.Steps
}

// lostSteps returns the steps of the old script that the new one does not replace.
func lostSteps(old, replaced []string) []string {
	var lost []string
	for _, step := range old {
		if !slices.Contains(replaced, step) {
			lost = append(lost, step)
		}
	}
	return lost
}

// configImport is the host function that reads a script's configuration, as a module's imports name it.
const configImport = "registrar_v1.read_config"

// readsConfig reports whether a module imports the host function that reads its configuration. A program may read it
// from its standard input instead.
func readsConfig(m scripts.Module) bool {
	return slices.Contains(m.Imports, configImport)
}

func hasMembers(config jsontext.Value) bool { return len(memberNames(config)) > 0 }

// memberNames returns the names of a configuration's members, sorted.
func memberNames(config jsontext.Value) []string {
	var members map[string]jsontext.Value
	_ = json.Unmarshal(config, &members) // the server accepted it as an object; nil has no members
	return slices.Sorted(maps.Keys(members))
}

// unknownMembers returns the members of a configuration that the old module names and the new one does not. A compiler
// may have hidden a name in instructions, so a name that the old module lacks too says nothing.
func unknownMembers(config jsontext.Value, oldWasm, newWasm []byte) []string {
	var unknown []string
	for _, name := range memberNames(config) {
		if mentions(oldWasm, name) && !mentions(newWasm, name) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// mentions reports whether a module holds a text, in UTF-8 or, as AssemblyScript has it, in UTF-16.
func mentions(wasm []byte, text string) bool {
	var wide []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	return bytes.Contains(wasm, []byte(text)) || bytes.Contains(wasm, wide)
}
