package growth

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/bench/chart"
)

// Write writes the report to a folder: growth.json, and growth-AXIS.svg for each axis. It writes the tables and
// pictures between the markers of the Markdown file, which it creates if it does not exist.
func (r Report) Write(folder, markdown string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	b, err := json.Marshal(r, jsontext.WithIndent("\t"), jsontext.Multiline(true))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "growth.json"), append(b, '\n'), 0o644); err != nil {
		return err
	}
	for _, axis := range r.Axes {
		svg, err := axis.chart().SVG()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, axis.picture()), svg, 0o644); err != nil {
			return err
		}
	}
	below, err := filepath.Rel(filepath.Dir(markdown), folder)
	if err != nil {
		return err
	}
	return WriteBlock(markdown, "bench-growth", r.Markdown(filepath.ToSlash(below)))
}

// WriteBlock writes a block between the markers of a target of the Makefile in a Markdown file, which it creates if it
// does not exist.
func WriteBlock(markdown, target string, block []byte) error {
	old, err := os.ReadFile(markdown)
	if os.IsNotExist(err) {
		begin, end := markers(target)
		old, err = []byte(begin+end), nil
	}
	if err != nil {
		return err
	}
	text, err := replace(string(old), target, string(block))
	if err != nil {
		return fmt.Errorf("%s: %w", markdown, err)
	}
	return os.WriteFile(markdown, []byte(text), 0o644)
}

// markers returns the markers of a target in a Markdown file. The text between them is replaced.
func markers(target string) (begin, end string) {
	return "<!-- figures of make " + target + ": begin -->\n", "<!-- figures of make " + target + ": end -->\n"
}

func replace(text, target, block string) (string, error) {
	begin, end := markers(target)
	before, rest, begun := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return "", errors.New("no markers for the figures")
	}
	return before + begin + block + end + after, nil
}

func (a Axis) picture() string { return "growth-" + a.Name + ".svg" }

func (a Axis) chart() chart.Chart {
	c := chart.Chart{Title: a.Title, X: a.X, Y: "registrations a second"}
	for _, s := range a.Series {
		line := chart.Series{Name: s.Name}
		for _, p := range s.Points {
			line.Points = append(line.Points, chart.Point{Label: p.Label, Values: p.Rates})
		}
		c.Series = append(c.Series, line)
	}
	return c
}

// Markdown returns the tables, and links to the pictures in a folder.
func (r Report) Markdown(folder string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "MariaDB %s with a buffer pool of %d MiB and a redo log of %d MiB, %d connections, "+
		"%d processors that the load shares; medians of %d rounds of %g seconds, in brackets the least and the "+
		"greatest.\n",
		r.MariaDB, r.Options.BufferPool, r.Options.RedoLog, r.Options.Connections,
		r.CPUs, r.Options.Rounds, r.Options.Seconds)
	if r.FillRate > 0 {
		fmt.Fprintf(&b, "Clients were filled in at %s a second, in the end.\n", chart.Number(r.FillRate))
	}
	for _, a := range r.Axes {
		fmt.Fprintf(&b, "\n### %s\n\n![%s](%s/%s)\n", a.Title, a.Title, folder, a.picture())
		for _, s := range a.Series {
			fmt.Fprintf(&b, "\n%s", s.table(a))
		}
	}
	return b.Bytes()
}

func (s Series) table(a Axis) []byte {
	var b bytes.Buffer
	if s.Name != "" {
		fmt.Fprintf(&b, "%s:\n\n", s.Name)
	}
	columns := []column{
		{"p50, ms", func(p Point) []float64 { return p.P50 }},
		{"p99, ms", func(p Point) []float64 { return p.P99 }},
		{"registrar's CPU, µs", func(p Point) []float64 { return p.ServerCPU }},
		{"MariaDB's CPU, µs", func(p Point) []float64 { return p.DatabaseCPU }},
	}
	if a.Name == "clients" { // on other axes pages are written after the measurement
		columns = append(columns, column{"pages read", func(p Point) []float64 { return p.PagesRead }},
			column{"pages written", func(p Point) []float64 { return p.PagesWrote }})
	}
	fmt.Fprintf(&b, "| %s | registrations a second | ÷ %s | ÷ by processor time |", a.X, a.Base)
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c.head)
	}
	fmt.Fprintf(&b, "\n|%s\n", strings.Repeat("---|", 4+len(columns)))
	for _, p := range s.Points {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |", p.Label, spread(p.Rates), spread(p.Ratios), spread(p.CPURatios))
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", chart.Number(chart.Median(c.values(p))))
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

// A column is a column of medians.
type column struct {
	head   string
	values func(Point) []float64
}

func spread(values []float64) string {
	return fmt.Sprintf("%s (%s–%s)", chart.Number(chart.Median(values)), chart.Number(slices.Min(values)),
		chart.Number(slices.Max(values)))
}
