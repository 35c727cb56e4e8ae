package growth

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/bench/chart"
)

// Write writes the report to a folder: growth.json, and growth-AXIS.svg for each axis. It replaces what stands between the
// comments growth and /growth of the Markdown file, which is made where there is none, by the tables and the pictures. The
// folder is beside that file or below it.
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
	text, err := os.ReadFile(markdown)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(markdown, replace(text, r.Markdown(filepath.ToSlash(below))), 0o644)
}

var begin, end = []byte("<!-- growth: written by make bench-growth -->\n"), []byte("<!-- /growth -->\n")

// replace returns text with block between begin and end, which are put at its end if they are not there.
func replace(text, block []byte) []byte {
	before, after := text, []byte(nil)
	if i := bytes.Index(text, begin); i >= 0 {
		before = text[:i]
		if _, rest, found := bytes.Cut(text[i:], end); found {
			after = rest
		}
	} else if len(text) > 0 {
		before = append(bytes.TrimRight(text, "\n"), "\n\n"...)
	}
	return slices.Concat(before, begin, block, end, after)
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

// Markdown returns the tables and the pictures, which are in a folder.
func (r Report) Markdown(folder string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "MariaDB %s with a buffer pool of %d MiB and a redo log of %d MiB, %d connections, %d processors that the load shares; medians of %d rounds of %v, in brackets the least and the greatest.\n",
		r.MariaDB, r.Options.BufferPool, r.Options.RedoLog, r.Options.Connections, r.CPUs, r.Options.Rounds, r.Options.Duration)
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
	fmt.Fprintf(&b, "| %s | registrations a second | ÷ %s | p50, ms | p99, ms | registrar's CPU, µs | MariaDB's CPU, µs | pages read | written |\n", a.X, a.Base)
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, p := range s.Points {
		fmt.Fprintf(&b, "| %s | %s | %s |", p.Label, spread(p.Rates), spread(p.Ratios))
		for _, values := range [][]float64{p.P50, p.P99, p.ServerCPU, p.DatabaseCPU, p.PagesRead, p.PagesWrote} {
			fmt.Fprintf(&b, " %s |", chart.Number(chart.Median(values)))
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

func spread(values []float64) string {
	return fmt.Sprintf("%s (%s–%s)", chart.Number(chart.Median(values)), chart.Number(slices.Min(values)), chart.Number(slices.Max(values)))
}
