package store_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// A relay is between a client and a MySQL server. It may change what the client sends, or break every connection.
type relay struct {
	listener net.Listener
	server   *mysql.Config
	// see gets each packet that the client sends: a byte with the command, and for a query its text. It may change the
	// packet. If it returns true, the packet is delivered, and then all connections break and no other can be made.
	see func(packet []byte) (last bool)

	mu    sync.Mutex
	ended bool
	conns []net.Conn
}

// newRelay starts a relay to the database at dsn, and returns it and the DSN of the database through it. The relay ends
// with the test.
func newRelay(t testing.TB, dsn string, see func(packet []byte) (last bool)) (*relay, string) {
	t.Helper()
	server, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, server: server, see: see}
	through := server.Clone()
	through.Net, through.Addr = "tcp", listener.Addr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { r.serve(client) })
		}
	})
	t.Cleanup(func() { r.end(); serving.Wait() })
	return r, through.FormatDSN()
}

// end breaks all connections.
func (r *relay) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.listener.Close()
	for _, c := range r.conns {
		c.Close()
	}
}

// keep notes connections that end breaks. It reports whether the relay has not ended.
func (r *relay) keep(conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns = append(r.conns, conns...)
	return !r.ended
}

func (r *relay) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(r.server.Net, r.server.Addr)
	if err != nil {
		return
	}
	defer server.Close()
	if !r.keep(client, server) {
		return
	}
	go func() {
		defer client.Close()
		_, _ = io.Copy(client, server) // it ends with either connection
	}()
	// A packet has its length in three bytes, and its number in one.
	for from := bufio.NewReader(client); ; {
		packet := make([]byte, 4)
		if _, err := io.ReadFull(from, packet); err != nil {
			return
		}
		length := binary.LittleEndian.Uint32(packet) & 0xffffff
		packet = append(packet, make([]byte, length)...)
		if _, err := io.ReadFull(from, packet[4:]); err != nil {
			return
		}
		last := r.see(packet[4:])
		if _, err := server.Write(packet); err != nil {
			return
		}
		if last {
			r.end()
			return
		}
	}
}
