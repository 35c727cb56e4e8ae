package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/engine"
	"registrar/internal/token"
	"registrar/store"
	"registrar/store/storetest"
)

// A breaker is a proxy in front of a MySQL server that breaks a connection at a chosen message.
type breaker struct {
	net.Listener
	server  *mysql.Config
	armed   atomic.Int32  // when to break the next connection that sends a message
	spared  atomic.Int32  // messages to pass before
	away    atomic.Bool   // refuse new connections
	refused chan struct{} // gets an element when a connection was refused; buffered
	release chan struct{} // closed to pass the message that is held
}

const (
	never           int32 = iota
	afterAnswer           // pass the message to the server, and break before its answer reaches the client
	beforeStatement       // break before the message reaches the server
	delayed               // do not break, but hold the message until it is released
)

// newBreaker starts a breaker and returns it with the Config.Database of its front.
func newBreaker(t *testing.T) (*breaker, string) {
	t.Helper()
	server, err := mysql.ParseDSN(storetest.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	b := &breaker{Listener: listener, server: server, refused: make(chan struct{}, 1), release: make(chan struct{})}
	go b.serve()
	front := server.Clone()
	front.Net, front.Addr = "tcp", listener.Addr().String()
	return b, "mysql:" + front.FormatDSN()
}

func (b *breaker) serve() {
	for {
		client, err := b.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(b.server.Net, b.server.Addr)
		if err != nil || b.away.Load() {
			client.Close()
			select {
			case b.refused <- struct{}{}:
			default:
			}
			continue
		}
		var broken atomic.Bool
		go b.pass(server, client, func() bool {
			if b.armed.Load() == never || b.spared.Add(-1) >= 0 {
				return false
			}
			how := b.armed.Swap(never)
			switch how {
			case afterAnswer:
				broken.Store(true)
			case delayed:
				<-b.release
			}
			return how == beforeStatement
		})
		go b.pass(client, server, broken.Load)
	}
}

// pass copies messages until cut returns true, and then closes both connections.
func (b *breaker) pass(to, from net.Conn, cut func() bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || cut() {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// arm makes b break a connection once it has sent after messages.
func (b *breaker) arm(how, after int32) {
	b.spared.Store(after)
	b.armed.Store(how)
}

// If the connection breaks during an INSERT, AddClient finds out whether it took effect.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 1})
	if err := s.AddClient(t.Context(), newClient("first")); err != nil { // prepares the statement
		t.Fatal(err)
	}
	for name, how := range map[string]int32{"after it was done": afterAnswer, "before it arrived": beforeStatement} {
		t.Run(name, func(t *testing.T) {
			c := newClient(name)
			b.arm(how, 0)
			if err := s.AddClient(t.Context(), c); err != nil {
				t.Errorf("got %v, want success", err)
			}
			if b.armed.Load() != never {
				t.Fatal("no connection was broken")
			}
			got, err := s.Client(t.Context(), c.ID)
			if err != nil || got.RegistrationID != c.RegistrationID {
				t.Errorf("stored: got %+v and %v, want registration %s", got, err, c.RegistrationID)
			}
		})
	}
	t.Run("update", func(t *testing.T) {
		c := newClient("first")
		if first, err := s.Client(t.Context(), c.ID); err == nil {
			c.RegistrationID = first.RegistrationID
		}
		if err := s.UpdateClient(t.Context(), c); err != nil { // prepares the statement
			t.Fatal(err)
		}
		for i, how := range []int32{afterAnswer, beforeStatement} {
			c.Version = int64(i) + 1
			b.armed.Store(how)
			if err := s.UpdateClient(t.Context(), c); err != nil || b.armed.Load() != never {
				t.Errorf("update %d: got %v, want success", i, err)
			}
			if got, err := s.Client(t.Context(), c.ID); err != nil || got.Version != c.Version+1 {
				t.Errorf("update %d: stored is version %d, %v; want %d", i, got.Version, err, c.Version+1)
			}
		}
	})
	t.Run("admin token", func(t *testing.T) {
		b.arm(afterAnswer, 0)
		added, err := s.AddAdminToken(t.Context(),
			token.Admin{ID: "first", Hash: [32]byte{1}, Label: "a", Roles: []token.Role{token.RoleAdmin},
				CreatedAt: time.Now()})
		if !added || err != nil || b.armed.Load() != never {
			t.Errorf("got %t and %v, want true", added, err)
		}
	})
	t.Run("the ID is taken", func(t *testing.T) {
		b.arm(beforeStatement, 0)
		if err := s.AddClient(t.Context(), newClient("first")); !errors.Is(err, engine.ErrExists) ||
			b.armed.Load() != never {
			t.Errorf("got %v, want %v", err, engine.ErrExists)
		}
	})
}

// Each caller in a batch whose connection breaks gets the outcome of its own client.
func TestBrokenBatch(t *testing.T) {
	t.Parallel()
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 2})
	for round := range 12 {
		b.arm([]int32{afterAnswer, beforeStatement}[round%2], int32(round))
		var wg sync.WaitGroup
		for i := range 48 {
			wg.Go(func() {
				id, want := fmt.Sprintf("%d-%d", round, i), error(nil)
				if i%16 == 0 && round > 0 {
					id, want = "0-0", engine.ErrExists
				}
				if err := s.AddClient(t.Context(), newClient(id)); !errors.Is(err, want) {
					t.Errorf("adding %s: got %v, want %v", id, err, want)
				}
			})
		}
		wg.Wait()
		if b.armed.Swap(never) != never {
			t.Errorf("round %d: no connection was broken", round)
		}
		for i := range 48 {
			if id := fmt.Sprintf("%d-%d", round, i); exists(t, s, id) != (i%16 != 0 || round == 0) {
				t.Errorf("%s: the store does not match what AddClient returned", id)
			}
		}
	}
}

// If the connection breaks at any message of a transaction that takes the last use of a token, AddClient finds out
// whether it took effect.
func TestBrokenTransaction(t *testing.T) {
	t.Parallel()
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 1})
	for _, how := range []int32{afterAnswer, beforeStatement} {
		broken := 0
		for after := int32(0); ; after++ {
			id := fmt.Sprint(how, "-", after)
			token := &engine.InitialAccessToken{ID: id, Hash: sha256.Sum256([]byte(id)), MaxUses: 1,
				CreatedAt: time.Now()}
			if err := s.AddInitialAccessToken(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			c := newClient(id)
			c.Caller = token.Caller()
			b.arm(how, after)
			err := s.AddClient(t.Context(), c)
			if b.armed.Swap(never) != never {
				break // the transaction has no more messages
			}
			broken++
			got, readErr := s.InitialAccessToken(t.Context(), token.Hash)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if stored := exists(t, s, id); stored != (err == nil) ||
				got.UsesLeft != map[bool]int64{true: 0, false: 1}[stored] {
				t.Errorf("broken by %d after %d: got %v, stored %t, %d uses left", how, after, err, stored,
					got.UsesLeft)
			}
		}
		// The look-up of the token, BEGIN, UPDATE, INSERT and COMMIT send a message each.
		if broken < 5 {
			t.Errorf("%d connections were broken, want at least 5", broken)
		}
	}
}

// If the database is unreachable after the statement was sent, the outcome is unknown, even if ctx ends. The client is
// removed when the database can be reached again.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 1})
	if err := s.AddClient(t.Context(), newClient("first")); err != nil {
		t.Fatal(err)
	}
	b.arm(afterAnswer, 0)
	b.away.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-b.refused; cancel() }() // AddClient then tries to find out the outcome
	err := s.AddClient(ctx, newClient("unknown"))
	if !errors.Is(err, engine.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, engine.ErrUnavailable)
	}
	if s.InDoubt() != 1 {
		t.Errorf("%d clients are in doubt, want 1", s.InDoubt())
	}
	b.away.Store(false)
	await(t, "the end of the doubt", func() bool { return s.InDoubt() == 0 })
	if exists(t, s, "unknown") || !exists(t, s, "first") {
		t.Error("the client that was not acknowledged is still stored, or the other is not")
	}
	if removed, absent := s.Settled(); removed != 1 || absent != 0 {
		t.Errorf("%d rows were removed and %d absent, want 1 and 0", removed, absent)
	}
}

// After crashes of the server, exactly the acknowledged clients are stored.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	server := storetest.NewServer(t)
	s := open(t, store.Config{Database: "mysql:" + server.Database(t)})
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				id := fmt.Sprintf("%d-%d", worker, i)
				err := s.AddClient(t.Context(), newClient(id))
				switch {
				case err == nil:
					mu.Lock()
					acknowledged[id] = true
					mu.Unlock()
				case errors.Is(err, engine.ErrUnavailable):
					time.Sleep(time.Millisecond) // do not spin while the server is down
				default:
					t.Errorf("got %v, want success or %v", err, engine.ErrUnavailable)
				}
			}
		})
	}
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(acknowledged) }
	awaitMore := func() {
		t.Helper()
		before := count()
		await(t, "100 more clients", func() bool { return count() >= before+100 })
	}
	for kill := range 3 {
		awaitMore()
		server.Kill()
		// Running calls wait for the server, to learn the outcome. A new call fails.
		err := s.AddClient(t.Context(), newClient(fmt.Sprint("down-", kill)))
		if !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("with the server killed: got %v, want %v", err, engine.ErrUnavailable)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
	}
	awaitMore()
	stop.Store(true)
	wg.Wait()

	stored := allIDs(t, s)
	for id := range stored {
		if !acknowledged[id] {
			t.Errorf("client %s is stored, but was not acknowledged", id)
		}
	}
	for id := range acknowledged {
		if stored[id] == nil {
			t.Errorf("client %s was acknowledged, but is not stored", id)
		}
	}
	t.Logf("%d acknowledged", len(acknowledged))
}
