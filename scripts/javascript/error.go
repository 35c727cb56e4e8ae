package javascript

import (
	"fmt"
	"strings"
	"unicode/utf8"

	esbuild "github.com/evanw/esbuild/pkg/api"
)

// An Error says what is wrong with a script, and how to mend it.
type Error struct {
	Problems []Problem // at least one
}

// A Problem is one thing that is wrong with a script.
type Problem struct {
	File   string // as the script's author names it; "" means that no place is known
	Line   int    // from 1; 0 means that only the file is known
	Column int    // from 1, in characters
	Text   string // what is wrong, and what would be right
	Source string // the line, cut where it is long; "" means that it is not known
}

// String returns file:line:column, the text, and below it the line.
func (p Problem) String() string {
	s := p.Text
	switch {
	case p.Line > 0:
		s = fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, s)
	case p.File != "":
		s = p.File + ": " + s
	}
	if p.Source != "" {
		s += "\n    " + p.Source
	}
	return s
}

// Error returns the problems, each on lines of its own.
func (e *Error) Error() string { return strings.Join(e.Reasons(), "\n") }

// Reasons returns the problems as texts.
func (e *Error) Reasons() []string {
	reasons := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		reasons[i] = p.String()
	}
	return reasons
}

func problem(file, format string, args ...any) *Error {
	return &Error{[]Problem{{File: file, Text: fmt.Sprintf(format, args...)}}}
}

// maxLine bounds a line of the script in a [Problem], and a message of the bundler, in bytes.
const maxLine = 160

// cut returns a line without the white space around it, and not too much of it.
func cut(line string) string {
	line = strings.TrimSpace(line)
	if len(line) <= maxLine {
		return line
	}
	return strings.ToValidUTF8(line[:maxLine], "") + " …"
}

// maxProblems bounds the problems of an [Error].
const maxProblems = 10

// bundlerError returns the messages of the bundler as an *[Error], nil if there are none.
func bundlerError(messages []esbuild.Message, file string) error {
	var e Error
	for _, m := range messages {
		p := Problem{File: file, Text: m.Text}
		if l := m.Location; l != nil {
			before := l.LineText[:min(l.Column, len(l.LineText))]
			p = Problem{l.File, l.Line, utf8.RuneCountInString(before) + 1, m.Text, cut(l.LineText)}
		}
		p.Text = cut(p.Text) + fixOf(m)
		if e.Problems = append(e.Problems, p); len(e.Problems) == maxProblems {
			break
		}
	}
	if e.Problems == nil {
		return nil
	}
	return &e
}

// fixOf returns how to mend an import that the bundler does not find, "" for other messages.
func fixOf(m esbuild.Message) string {
	_, quoted, found := strings.Cut(m.Text, `Could not resolve "`)
	name, _, closed := strings.Cut(quoted, `"`)
	name = cut(name)
	switch {
	case !found || !closed:
		return ""
	case strings.HasPrefix(name, "node:") || strings.Contains(notesOf(m), "built into node"):
		return ": modules of Node.js do not exist here; use what the step's argument offers"
	case strings.HasPrefix(name, "."):
		return ": there is no such file beside the one that imports it"
	}
	return fmt.Sprintf(": run npm install %s in the script's folder, or import a file as ./%[1]s", name)
}

func notesOf(m esbuild.Message) string {
	var b strings.Builder
	for _, note := range m.Notes {
		b.WriteString(note.Text)
	}
	return b.String()
}
