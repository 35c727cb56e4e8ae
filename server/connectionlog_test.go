package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"registrar/internal/app"
	"registrar/internal/servertest"
	"registrar/server"
)

// What net/http reports of connections is logged with a constant message and the listener.
func TestConnectionsThatFailAreLogged(t *testing.T) {
	certificates := httptest.NewTLSServer(nil)
	defer certificates.Close()
	s := servertest.New(t, app.Config{Server: server.Config{Registration: server.RegistrationOpen}},
		servertest.Options{})
	var listeners []net.Listener
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners = append(listeners, l)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	public := tls.NewListener(listeners[0], certificates.TLS)
	go func() { ended <- s.Server.Serve(ctx, public, listeners[1]) }()
	conn, err := net.Dial("tcp", listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n"); err != nil { // it is no TLS
		t.Fatal(err)
	}
	const want = `"msg":"connection failed","listener":"public","error":"http: TLS handshake error`
	deadline := time.Now().Add(time.Minute)
	for ; !strings.Contains(s.Log.String(), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log has no %s:\n%s", want, s.Log)
		}
	}
	conn.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
