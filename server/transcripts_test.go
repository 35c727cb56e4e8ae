package server_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"registrar/engine"
	"registrar/server"
)

var update = flag.Bool("update", false, "rewrite the responses in testdata/transcripts")

// TestTranscripts checks exchanges with editors, assistants and other clients byte for byte.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("../testdata/transcripts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// Each transcript has its own server, with default options.
			s := newSite(t, setup{options: engine.Options{},
				server: server.Config{Registration: server.RegistrationLoopback}})
			known := map[string]string{}
			for i := 0; i+1 < len(archive.Files); i += 2 {
				request, response := &archive.Files[i], &archive.Files[i+1]
				if request.Name != "request" || response.Name != "response" {
					t.Fatalf("got %s and %s, want a request and a response", request.Name, response.Name)
				}
				got := replay(t, s, request.Data, known)
				if *update {
					response.Data = got
				}
				if diff := cmp.Diff(string(response.Data), string(got)); diff != "" {
					t.Errorf("response %d (-want +got):\n%s", i/2+1, diff)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// varying holds the members with values that differ each time, and their placeholders in transcripts.
var varying = map[string]string{"client_id": "CLIENT-ID", "client_secret": "CLIENT-SECRET",
	"registration_access_token": "ACCESS-TOKEN"}

// replay sends a raw request, and returns the response with varying values replaced by placeholders. known holds the
// values of placeholders in earlier responses, which the request may use.
func replay(t *testing.T, s *site, raw []byte, known map[string]string) []byte {
	t.Helper()
	for name, value := range known {
		raw = bytes.ReplaceAll(raw, []byte(name), []byte(value))
	}
	head, body, _ := bytes.Cut(raw, []byte("\n\n"))
	request, err := http.ReadRequest(bufio.NewReader(io.MultiReader(bytes.NewReader(head), strings.NewReader("\n\n"))))
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(s.public.URL)
	if err != nil {
		t.Fatal(err)
	}
	request.URL.Scheme, request.URL.Host, request.Host, request.RequestURI = base.Scheme, base.Host, base.Host, ""
	body = bytes.TrimSuffix(body, []byte("\n"))
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintln(&out, response.Proto, response.Status)
	var headers []string
	for name, values := range response.Header {
		if name != "Date" && name != "Content-Length" && name != "X-Request-Id" {
			headers = append(headers, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(headers)
	fmt.Fprintf(&out, "%s\n\n", strings.Join(headers, "\n"))
	if len(answer) == 0 {
		return out.Bytes()
	}
	document := jsontext.Value(answer)
	if err := document.Indent(); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	out.Write(document)
	out.WriteByte('\n')
	var members map[string]any
	if err := json.Unmarshal(document, &members); err != nil {
		t.Fatal(err)
	}
	for member, name := range varying {
		if value, ok := members[member].(string); ok {
			known[name] = value
		}
	}
	text := out.String()
	for name, value := range known {
		text = strings.ReplaceAll(text, value, name)
	}
	text = strings.ReplaceAll(text, s.public.URL, "http://SERVER")
	return regexp.MustCompile(`("client_id_issued_at": )[0-9]+`).ReplaceAll([]byte(text), []byte("${1}0"))
}
