package sdk_test

import (
	"os"
	"strings"
	"testing"
)

// The pages show the scripts that they name as they are: whole, or from a line to the end.
func TestDocumentedScriptsAreTheScripts(t *testing.T) {
	for _, tt := range []struct{ page, mention, fence, path string }{
		{"docs/abi.md", "](../sdk/c/examples/public-clients/main.c)", "c", "sdk/c/examples/public-clients/main.c"},
		{"README.md", "`policy/policy.js`", "js", "sdk/javascript/template/script.js"},
		{"docs/javascript.md", "This is the script", "ts", "sdk/typescript/template/script.ts"},
	} {
		docs, err := os.ReadFile("../" + tt.page)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, mentioned := strings.Cut(string(docs), tt.mention)
		_, rest, fenced := strings.Cut(rest, "```"+tt.fence+"\n")
		code, _, closed := strings.Cut(rest, "```")
		if !mentioned || !fenced || !closed {
			t.Fatalf("%s has no code after %s", tt.page, tt.mention)
		}
		source, err := os.ReadFile("../" + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix("\n"+string(source), "\n"+code) {
			t.Errorf("%s shows other code than %s:\n%s", tt.page, tt.path, code)
		}
	}
}
