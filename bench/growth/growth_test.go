package growth

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/store/storetest/mariadb"
)

// A short run measures and writes everything.
func TestShort(t *testing.T) {
	if _, err := mariadb.Program(mariadb.MariaDB); err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	folder := t.TempDir()
	var c Command
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	pictures, markdown := filepath.Join(folder, "docs", "performance"), filepath.Join(folder, "docs", "performance.md")
	if _, err := parser.Parse([]string{"--short", "--folder", pictures, "--markdown", markdown}); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkReport(t, filepath.Join(pictures, "growth.json"))
	text, err := os.ReadFile(markdown)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(text, []byte("| pages written |")); got != 1 {
		t.Errorf("tables with pages: got %d, want only that of clients\n%s", got, text)
	}
	for _, axis := range []string{"replicas", "clients", "scripts", "metadata"} {
		if link := "](performance/growth-" + axis + ".svg)"; !bytes.Contains(text, []byte(link)) {
			t.Errorf("%s is not in the Markdown:\n%s", link, text)
		}
		svg, err := os.ReadFile(filepath.Join(pictures, "growth-"+axis+".svg"))
		if err != nil || !bytes.Contains(svg, []byte("registrations a second")) {
			t.Errorf("the picture of %s: %v, %d bytes", axis, err, len(svg))
		}
	}
}

// checkReport checks that every point of every axis has been measured.
func checkReport(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, a := range r.Axes {
		for _, s := range a.Series {
			var labels []string
			for _, p := range s.Points {
				labels = append(labels, p.Label)
				for _, values := range [][]float64{p.Rates, p.Ratios, p.CPURatios, p.P50, p.P99, p.ServerCPU,
					p.DatabaseCPU, p.PagesRead, p.PagesWrote} {
					if len(values) != len(p.Rates) || len(values) == 0 || slices.Min(p.Rates) <= 0 {
						t.Errorf("%s, %s: got %+v", a.Name, p.Label, p)
					}
				}
			}
			got[a.Name+": "+s.Name] = strings.Join(labels, ", ")
		}
	}
	want := map[string]string{
		"replicas: ":             "1, 2",
		"clients: IDs random":    "0, 1 k, 3 k",
		"metadata: ":             "0.29 KiB, 59 KiB",
		"scripts: 14 steps each": "0, 2",
		"scripts: one step each, which they patch":             "0, 2",
		"scripts: 14 steps each, in which they read and patch": "0, 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("points, want (-) and got (+):\n%s", diff)
	}
}

func TestSizedBodies(t *testing.T) {
	for _, size := range []int{300, 307, 345, 399, 400, 1024, 61_440} {
		body := sized(size)(12)
		if len(body) != size {
			t.Errorf("a body of %d bytes has %d", size, len(body))
		}
		request, err := engine.ParseRequest(body)
		if err != nil {
			t.Errorf("a body of %d bytes: %v\n%s", size, err, body)
			continue
		}
		uris := request.Metadata.RedirectURIs
		if compact := slices.Compact(slices.Sorted(slices.Values(uris))); len(compact) != len(uris) {
			t.Errorf("a body of %d bytes has a redirect URI twice", size)
		}
	}
}

func TestReplace(t *testing.T) {
	begin, end := markers("it")
	other := "<!-- figures of make more: begin -->\n"
	got, err := replace(other+begin+"old\n"+end+"z\n", "it", "new\n")
	if want := other + begin + "new\n" + end + "z\n"; err != nil || got != want {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
	for _, text := range []string{"", "# Title\n", other, begin, end, end + begin} {
		if got, err := replace(text, "it", "new\n"); err == nil {
			t.Errorf("%q has no markers: got %q, want an error", text, got)
		}
	}
}

func TestRunNeedsRounds(t *testing.T) {
	if _, err := Run(t.Context(), Options{Rounds: 0, Connections: 1, Seconds: 1}, &bytes.Buffer{}); err == nil {
		t.Error("no rounds: got no error, want one")
	}
}

// An interrupted run returns its results so far.
func TestInterrupted(t *testing.T) {
	if _, err := mariadb.Program(mariadb.MariaDB); err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := Options{Axis: []string{"replicas", "metadata"}}.short()
	r, err := Run(ctx, o, writerFunc(func(line []byte) {
		if bytes.HasPrefix(line, []byte("replicas")) {
			cancel()
		}
	}))
	if !errors.Is(err, context.Canceled) || len(r.Axes) != 1 || len(r.Axes[0].Series[0].Points[0].Rates) != 1 {
		t.Errorf("got %+v and %v, want replicas and %v", r.Axes, err, context.Canceled)
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }
