package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/engine"
	"registrar/internal/token"
	"registrar/store"
	"registrar/store/storetest"
)

// A breaker stands between the store and a MySQL server, and breaks a connection at the worst time.
type breaker struct {
	net.Listener
	server *mysql.Config
	armed  atomic.Int32 // an after…, for the next connection that says something
	spared atomic.Int32 // how many times it may say something before
	away   atomic.Bool  // takes no connection any more
}

const (
	never int32 = iota
	afterAnswer
	beforeStatement
)

// newBreaker returns it and the Database of its end.
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
	b := &breaker{Listener: listener, server: server}
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
			continue
		}
		var broken atomic.Bool
		go b.pass(server, client, func() bool {
			if b.armed.Load() == never || b.spared.Add(-1) >= 0 {
				return false
			}
			switch how := b.armed.Swap(never); how {
			case beforeStatement:
				return true
			case afterAnswer:
				broken.Store(true)
			}
			return false
		})
		go b.pass(client, server, broken.Load)
	}
}

// pass copies what from says until cut is true, and then closes both.
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

// arm breaks a connection, after it said something that many times.
func (b *breaker) arm(how, after int32) {
	b.spared.Store(after)
	b.armed.Store(how)
}

// An INSERT whose connection breaks either took effect or not; AddClient finds out.
func TestBrokenConnection(t *testing.T) {
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 1})
	if err := s.AddClient(t.Context(), newClient("first")); err != nil { // the statement is prepared
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
		if err := s.UpdateClient(t.Context(), c); err != nil { // the statement is prepared
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
		added, err := s.AddAdminToken(t.Context(), token.Admin{ID: "first", Hash: [32]byte{1}, Role: "admin", CreatedAt: time.Now()})
		if !added || err != nil || b.armed.Load() != never {
			t.Errorf("got %t and %v, want true", added, err)
		}
	})
	t.Run("and somebody else has the ID", func(t *testing.T) {
		b.arm(beforeStatement, 0)
		if err := s.AddClient(t.Context(), newClient("first")); !errors.Is(err, engine.ErrExists) || b.armed.Load() != never {
			t.Errorf("got %v, want %v", err, engine.ErrExists)
		}
	})
}

// Each caller in a batch whose connection breaks gets the outcome of its own client.
func TestBrokenBatch(t *testing.T) {
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
				t.Errorf("%s: what was acknowledged is not what is stored", id)
			}
		}
	}
}

// Wherever the connection breaks while a client is stored that takes the last use of a token, AddClient finds out.
func TestBrokenTransaction(t *testing.T) {
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 1})
	for _, how := range []int32{afterAnswer, beforeStatement} {
		broken := 0
		for after := int32(0); ; after++ {
			id := fmt.Sprint(how, "-", after)
			token := &engine.InitialAccessToken{ID: id, Hash: sha256.Sum256([]byte(id)), MaxUses: 1, CreatedAt: time.Now()}
			if err := s.AddInitialAccessToken(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			c := newClient(id)
			c.Caller = token.Caller()
			b.arm(how, after)
			err := s.AddClient(t.Context(), c)
			if b.armed.Swap(never) != never {
				break // all that was said was said before
			}
			broken++
			got, readErr := s.InitialAccessToken(t.Context(), token.Hash)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if stored := exists(t, s, id); stored != (err == nil) || got.UsesLeft != map[bool]int64{true: 0, false: 1}[stored] {
				t.Errorf("broken by %d after %d: got %v, stored %t, %d uses left", how, after, err, stored, got.UsesLeft)
			}
		}
		// The look-up of the token, BEGIN, UPDATE, INSERT and COMMIT each say something.
		if broken < 5 {
			t.Errorf("%d connections were broken, want at least 5", broken)
		}
	}
}

// If the database stays away after the statement was sent, the error says that the outcome is unknown; the client may
// be stored.
func TestUnknownOutcome(t *testing.T) {
	b, database := newBreaker(t)
	s := open(t, store.Config{Database: database, Connections: 1})
	if err := s.AddClient(t.Context(), newClient("first")); err != nil {
		t.Fatal(err)
	}
	b.arm(afterAnswer, 0)
	b.away.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	err := s.AddClient(ctx, newClient("unknown"))
	if !errors.Is(err, engine.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, engine.ErrUnavailable)
	}
	b.away.Store(false)
	if !exists(t, s, "unknown") {
		t.Error("the statement had been done, but the client is not there")
	}
}

// A database that falls silent in the middle of a batch delays AddClient by no more than its connection may be silent.
func TestSilentServer(t *testing.T) {
	server := storetest.NewServer(t)
	dsn, err := mysql.ParseDSN(server.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	dsn.ReadTimeout = time.Second
	s := open(t, store.Config{Database: "mysql:" + dsn.FormatDSN()})
	if err := s.AddClient(t.Context(), newClient("first")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	goOn := sync.OnceFunc(func() { syscall.Kill(server.PID(), syscall.SIGCONT) })
	defer goOn()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.AddClient(ctx, newClient("silence")) }()
	select {
	case err := <-ended:
		if !errors.Is(err, engine.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v, and not that nothing was stored", err, engine.ErrUnavailable)
		}
	case <-time.After(time.Minute):
		t.Error("AddClient waits for a silent server")
	}
	goOn()
	for deadline := time.Now().Add(time.Minute); !exists(t, s, "silence"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server had the statement, but the client is not there")
		}
	}
}

// A server that is killed and comes back has exactly the clients that were acknowledged.
func TestKilledServer(t *testing.T) {
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
					time.Sleep(time.Millisecond)
				default:
					t.Errorf("got %v, want success or %v", err, engine.ErrUnavailable)
				}
			}
		})
	}
	for kill := range 3 {
		time.Sleep(300 * time.Millisecond)
		server.Kill()
		// Calls that were in the middle wait for the server, to learn the outcome; a new one is refused.
		if err := s.AddClient(t.Context(), newClient(fmt.Sprint("down-", kill))); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("with the server killed: got %v, want %v", err, engine.ErrUnavailable)
		}
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(300 * time.Millisecond)
	stop.Store(true)
	wg.Wait()

	stored := map[string]bool{}
	for after := ""; ; {
		page, err := s.Clients(t.Context(), after, "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			stored[c.ID] = true
			if !acknowledged[c.ID] {
				t.Errorf("client %s is stored, but was not acknowledged", c.ID)
			}
		}
		after = page[len(page)-1].ID
	}
	for id := range acknowledged {
		if !stored[id] {
			t.Errorf("client %s was acknowledged, but is not stored", id)
		}
	}
	t.Logf("%d acknowledged", len(acknowledged))
}
