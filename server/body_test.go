package server_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"registrar/engine"
	"registrar/server"
)

// However the body of a request is sent, all of it is read, so that the connection serves the next request.
func TestConnectionServesAfterABody(t *testing.T) {
	t.Parallel()
	e, err := engine.New(engine.Config{Store: discarding{},
		Options: engine.Options{RegistrationEndpoint: "https://as.example/register"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Engine: e, Registration: server.RegistrationOpen, Administrator: findAdmin,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	public := httptest.NewServer(s.Public())
	t.Cleanup(public.Close)
	padded := typicalRequest + strings.Repeat(" ", 5000) // longer than what is allocated in advance
	for name, sent := range map[string]string{
		"with its length": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(typicalRequest), typicalRequest),
		"long":            fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(padded), padded),
		"in chunks": fmt.Sprintf("Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n%x\r\n%s\r\n0\r\nX-Sum: 1\r\n\r\n",
			len(typicalRequest), typicalRequest),
		"expecting 100": fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%s", len(typicalRequest),
			typicalRequest),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", public.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			answers := bufio.NewReader(conn)
			for n := range 3 {
				const head = "POST /register HTTP/1.1\r\nHost: as.example\r\nContent-Type: application/json\r\n"
				if _, err := io.WriteString(conn, head+sent); err != nil {
					t.Fatal(err)
				}
				if status := finalStatus(t, answers); status != http.StatusCreated {
					t.Fatalf("request %d on the connection: got %d, want 201", n+1, status)
				}
			}
		})
	}
}

// finalStatus reads answers up to the first that is not 100 (Continue), and returns its status.
func finalStatus(t *testing.T, answers *bufio.Reader) int {
	t.Helper()
	for {
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusContinue {
			return response.StatusCode
		}
	}
}
