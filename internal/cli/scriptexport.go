package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
)

// scriptExportCommand prints a deployment in the form that script deploy reads.
type scriptExportCommand struct {
	Number int64 `arg:"" optional:"" placeholder:"N" help:"${script_export_number}"`
	remoteFlags
}

// Run prints the deployment, indented unless JSON for programs is asked for.
func (c *scriptExportCommand) Run(ctx context.Context, to *console) error {
	if c.Number < 0 {
		return usageError{fmt.Errorf("deployment %d: must be 1 or more", c.Number)}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	if c.Number != 0 {
		d, err := api.Deployment(ctx, c.Number)
		if err != nil {
			return err
		}
		return c.export(to.out, d, nil)
	}
	d, err := api.CurrentDeployment(ctx)
	if err != nil {
		return err
	}
	return c.export(to.out, d, &d.Number)
}

// export writes what a new deployment of the same scripts would be.
func (c *scriptExportCommand) export(w io.Writer, d scripts.Deployment, ifCurrent *int64) error {
	document := struct { // with scripts even if it is empty
		Scripts   []scripts.Script `json:"scripts"`
		Comment   string           `json:"comment,omitzero"`
		IfCurrent *int64           `json:"if_current,omitzero"`
	}{d.Scripts, d.Comment, ifCurrent}
	var options []json.Options
	if c.Output != "json" {
		options = append(options, jsontext.WithIndent("  "))
	}
	b, err := json.Marshal(document, options...)
	if err != nil {
		return fmt.Errorf("encoding the deployment: %w", err)
	}
	_, err = io.WriteString(w, escaped(string(b))+"\n")
	return err
}

// escaped replaces the non-printing characters of JSON, which can only be in strings, by their escapes: the terminal
// must not interpret them, and what is deployed again must be the same.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		}
	}
	return b.String()
}
