package e2e

import (
	"strings"
	"testing"

	"registrar/internal/servertest"
	"registrar/server/adminapi"
)

// A server of the version before sees none of the stored documents, so it takes none for a client, and changes none.
func TestDocumentsOneByOne(t *testing.T) { onEachBackend(t, testDocumentsOneByOne) }

func testDocumentsOneByOne(t *testing.T, flag string) {
	path, err := previous()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	const url = "https://app.example/client.json"
	file := servertest.File(t, "client.json", `{"client_id":"`+url+`","redirect_uris":["https://app.example/cb"]}`)
	b := start(t, folder, flag, "--metadata-documents")
	must(t, b.command("document", "pin", url, "--file", file, "--reason", "outage"))
	a := startProgram(t, path, folder, flag)
	id := b.register(minimal).ClientID
	list := func(p *process) (ids []string) {
		t.Helper()
		for _, c := range answer[adminapi.Clients](t, p, "client", "list").Clients {
			ids = append(ids, c.ClientID)
		}
		return ids
	}
	if got := strings.Join(list(a), " "); got != id {
		t.Errorf("a server of the version before lists %s, want %s", got, id)
	}
	if r := a.command("client", "get", url); r.code != exitFailed || !strings.Contains(r.err, "not found") {
		t.Errorf("a server of the version before shows the document: %d %s%s", r.code, r.out, r.err)
	}
	for _, change := range []string{"delete", "disable"} {
		if r := a.command("client", change, url); r.code != exitFailed {
			t.Errorf("a server of the version before: %s has the exit code %d: %s", change, r.code, r.out)
		}
	}
	if got := strings.Join(list(b), " "); got != id+" "+url {
		t.Errorf("the new server lists %s, want %s and %s", got, id, url)
	}
	client := answer[adminapi.Client](t, b, "client", "get", url)
	if client.Document == nil || client.Document.PinnedAt == nil || client.Status != "active" {
		t.Errorf("got %+v, want the pinned document as it was", client)
	}
	must(t, b.command("client", "disable", url))
	if r := b.command("document", "refresh", url); r.code != exitFailed || !strings.Contains(r.err, "enable it first") {
		t.Errorf("refreshing a disabled client's document: %d %s%s", r.code, r.out, r.err)
	}
}
