package sdk_test

import (
	"os"
	"strings"
	"testing"
)

// docs/abi.md shows the example that it links to.
func TestDocumentedExampleIsTheExample(t *testing.T) {
	docs, err := os.ReadFile("../docs/abi.md")
	if err != nil {
		t.Fatal(err)
	}
	const path = "sdk/c/examples/public-clients/main.c"
	_, rest, linked := strings.Cut(string(docs), "](../"+path+")")
	_, rest, fenced := strings.Cut(rest, "```c\n")
	code, _, closed := strings.Cut(rest, "```")
	if !linked || !fenced || !closed {
		t.Fatalf("docs/abi.md has no code after its link to %s", path)
	}
	source, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(source), "\n"+code) {
		t.Errorf("docs/abi.md shows other code than %s:\n%s", path, code)
	}
}
