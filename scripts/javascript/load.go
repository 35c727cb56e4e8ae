package javascript

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// loaded is what the template makes of a script.
type loaded struct {
	data    []segment // of the module
	exports []string  // what the script exports; a name that begins with ! is not a function
}

// maxPages bounds the memory of a script, in pages of 64 KiB. It is the default of servers.
const maxPages = 256

// load has the template compile a script to bytecode and run its top level. An *[Error] is the script's fault.
func (t *template) load(ctx context.Context, timeout time.Duration, b bundle) (loaded, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().
		WithCloseOnContextDone(true).WithMemoryLimitPages(maxPages))
	defer r.Close(context.WithoutCancel(ctx))
	var reason strings.Builder
	guest, err := t.instantiate(ctx, r, &reason)
	if err != nil {
		return loaded{}, fmt.Errorf("loading the template of scripts: %w", err)
	}
	l, err := guest.compile(ctx, b)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return loaded{}, problem(b.entry(), "the script's top level does not end within %s: only declare and "+
			"compute tables there, and leave the rest to the steps", timeout)
	case ctx.Err() != nil:
		return loaded{}, ctx.Err()
	case reason.Len() > 0:
		return loaded{}, b.thrown(reason.String())
	}
	return loaded{}, fmt.Errorf("loading the script: %w", err)
}

// instantiate returns an instance of the template that is not initialized. Where the script fails, it writes why to
// reason.
func (t *template) instantiate(ctx context.Context, r wazero.Runtime, reason *strings.Builder) (*guest, error) {
	compiled, err := r.CompileModule(ctx, t.bytes)
	if err != nil {
		return nil, err
	}
	modules := map[string]wazero.HostModuleBuilder{}
	for _, f := range compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		if modules[module] == nil {
			modules[module] = r.NewHostModuleBuilder(module)
		}
		call := func(_ context.Context, m api.Module, stack []uint64) {
			switch name {
			case "log":
			case "fail":
				text, _ := m.Memory().Read(api.DecodeU32(stack[0]), api.DecodeU32(stack[1]))
				reason.Write(text)
				panic("the script failed")
			default:
				panic(name + " was called at top level")
			}
		}
		modules[module].NewFunctionBuilder().
			WithGoModuleFunction(api.GoModuleFunc(call), f.ParamTypes(), f.ResultTypes()).Export(name)
	}
	for _, module := range modules {
		if _, err := module.Instantiate(ctx); err != nil {
			return nil, err
		}
	}
	m, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, err
	}
	return &guest{m}, nil
}

// A guest is an instance of the template. template/README.md describes its exports.
type guest struct{ api.Module }

// number calls an export that returns a number.
func (g *guest) number(ctx context.Context, export string) (uint32, error) {
	result, err := g.ExportedFunction(export).Call(ctx)
	if err != nil {
		return 0, err
	}
	return api.DecodeU32(result[0]), nil
}

// place returns a segment of bytes at the address that an export returns.
func (g *guest) place(ctx context.Context, export string, b []byte) (segment, error) {
	address, err := g.number(ctx, export)
	return segment{address, b}, err
}

// The room that the template has for names of files and for mappings, in bytes.
const (
	maxSources  = 64<<10 - 1
	maxMappings = 512<<10 - 1
)

// bundled is how messages name the bundle of a script whose source map is too large.
const bundled = "bundle.js"

// compile compiles and loads a script, and returns what the module of the script is made of.
func (g *guest) compile(ctx context.Context, b bundle) (loaded, error) {
	sources, mappings := strings.Join(b.sources, "\n")+"\n", b.mappings
	if len(sources) > maxSources || len(mappings) > maxMappings {
		sources, mappings = bundled+"\n", "" // positions are then those of the bundle
	}
	for _, part := range []struct{ export, text string }{
		{"js_source", b.code}, {"js_sources", sources}, {"js_mappings", mappings},
	} {
		s, err := g.place(ctx, part.export, append([]byte(part.text), 0))
		if err != nil {
			return loaded{}, err
		}
		g.Memory().Write(s.address, s.bytes)
	}
	if _, err := g.ExportedFunction("_initialize").Call(ctx); err != nil {
		return loaded{}, err
	}
	code, err := g.bytecode(ctx)
	if err != nil {
		return loaded{}, err
	}
	if len(code) > maxCode {
		return loaded{}, problem(b.entry(), "the script compiles to %d bytes: at most %d are allowed; "+
			"import less of packages, or move tables into the config", len(code), maxCode)
	}
	source, err := g.place(ctx, "js_source", code)
	if err != nil {
		return loaded{}, err
	}
	length, err := g.place(ctx, "js_bytecode_length", binary.LittleEndian.AppendUint32(nil, uint32(len(code))))
	if err != nil {
		return loaded{}, err
	}
	exports, err := g.exports(ctx)
	return loaded{[]segment{source, length}, exports}, err
}

// bytecode returns what an initialized guest compiled the script to.
func (g *guest) bytecode(ctx context.Context) ([]byte, error) {
	address, err := g.number(ctx, "js_bytecode")
	if err != nil {
		return nil, err
	}
	length, err := g.number(ctx, "js_compiled_length")
	if err != nil {
		return nil, err
	}
	code, ok := g.Memory().Read(address, length)
	if !ok {
		return nil, fmt.Errorf("the bytecode is not in the template's memory: %d bytes at %d", length, address)
	}
	return slices.Clone(code), nil
}

// exports returns the names that the script exports.
func (g *guest) exports(ctx context.Context) ([]string, error) {
	address, err := g.number(ctx, "js_exports")
	if err != nil {
		return nil, err
	}
	size := g.Memory().Size()
	list, _ := g.Memory().Read(address, size-address)
	list, _, _ = bytes.Cut(list, []byte{0})
	return strings.Fields(string(list)), nil
}

var position = regexp.MustCompile(`([^\s();]+):(\d+):(\d+)`)

// thrown returns the error of a script that fails at top level. reason is the template's: what was thrown, and where.
func (b *bundle) thrown(reason string) error {
	text, _, _ := strings.Cut(reason, "; at ")
	p := Problem{File: b.entry(), Text: "the script's top level fails: " + strings.TrimSpace(text)}
	for _, found := range position.FindAllStringSubmatch(reason, -1) {
		file := found[1]
		i := slices.IndexFunc(b.files, func(f File) bool { return f.Name == file })
		if i < 0 {
			continue
		}
		p.File = file
		p.Line, _ = strconv.Atoi(found[2])
		p.Column, _ = strconv.Atoi(found[3])
		if lines := strings.Split(b.files[i].Text, "\n"); p.Line > 0 && p.Line <= len(lines) {
			p.Source = cut(lines[p.Line-1])
		}
		break
	}
	return &Error{[]Problem{p}}
}
