package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// outputFlags choose the output format of a command.
type outputFlags struct {
	Output string `default:"text" enum:"text,json" help:"${output}"`
}

// write writes a document to w: as one line of JSON, or as text formats it.
func (f *outputFlags) write(w io.Writer, document any, text func(*textWriter)) error {
	if f.Output == "json" {
		b, err := json.Marshal(document, json.Deterministic(true))
		if err != nil {
			return fmt.Errorf("encoding the output: %w", err)
		}
		_, err = w.Write(append(b, '\n'))
		return err
	}
	p := &textWriter{}
	text(p)
	_, err := w.Write(p.buffer.Bytes())
	return err
}

// A textWriter collects text for people. Text from clients and scripts cannot control the terminal.
type textWriter struct{ buffer bytes.Buffer }

// line writes a line.
func (p *textWriter) line(format string, args ...any) {
	p.buffer.WriteString(printableLines(fmt.Sprintf(format, args...)) + "\n")
}

// table writes rows of cells, aligned.
func (p *textWriter) table(rows [][]string) {
	w := tabwriter.NewWriter(&p.buffer, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a buffer takes everything
}

// json writes a JSON value, indented.
func (p *textWriter) json(value jsontext.Value) {
	indented := value.Clone()
	if err := indented.Indent(jsontext.WithIndent("  ")); err != nil {
		indented = value
	}
	p.line("%s", indented)
}

// printable replaces non-printing characters with U+FFFD, so that client text cannot emit escapes.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// printableLines is printable that keeps line breaks.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}
