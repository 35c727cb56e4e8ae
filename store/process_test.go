//go:build unix

package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"registrar/engine"
	"registrar/store"
	"registrar/store/storetest"
)

// child returns a command that runs one test of this binary, with STORE_CHILD set to value.
func child(t *testing.T, test, value string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), "STORE_CHILD="+value)
	return cmd
}

// If several processes start at once, one of them migrates, and all of them work.
func TestProcessesStartAtOnce(t *testing.T) {
	t.Parallel()
	if database := os.Getenv("STORE_CHILD"); database != "" {
		s := open(t, store.Config{Database: database})
		if err := s.AddClient(t.Context(), newClient(strconv.Itoa(os.Getpid()))); err != nil {
			t.Error(err)
		}
		return
	}
	backends(t, func(t *testing.T, database string) {
		var wg sync.WaitGroup
		const n = 6
		for range n {
			wg.Go(func() {
				if out, err := child(t, "TestProcessesStartAtOnce", database).CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
		wg.Wait()
		s := open(t, store.Config{Database: database})
		if page, err := s.Clients(t.Context(), engine.ClientFilter{}, 0, 0); err != nil || len(page.Clients) != n {
			t.Errorf("got %d clients and %v, want %d", len(page.Clients), err, n)
		}
		applied, err := s.ReadValue("SELECT COUNT(*) FROM goose_db_version WHERE version_id = 1")
		if err != nil || applied != "1" {
			t.Errorf("the first migration was applied %s times, %v, want once", applied, err)
		}
	})
}

// Clients that a process acknowledged are stored after it is killed.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	if database := os.Getenv("STORE_CHILD"); database != "" {
		s := open(t, store.Config{Database: database})
		for i := 0; ; i++ {
			id := fmt.Sprint("client-", i)
			if err := s.AddClient(t.Context(), newClient(id)); err != nil {
				t.Fatal(err)
			}
			fmt.Println(id)
		}
	}
	database := storetest.SQLite(t)
	for range 3 {
		database := database + fmt.Sprint(time.Now().UnixNano())
		cmd := child(t, "TestKilledProcess", database)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var acknowledged []string
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "client-") {
				acknowledged = append(acknowledged, lines.Text())
			}
			if len(acknowledged) == 200 {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
		s := open(t, store.Config{Database: database})
		for _, id := range acknowledged {
			if !exists(t, s, id) {
				t.Errorf("client %s was acknowledged, but is not stored", id)
			}
		}
		t.Logf("%d acknowledged", len(acknowledged))
	}
}

// If a process is killed, uses of a token are taken exactly for the clients that are stored.
func TestKilledProcessTakesUsesOfStoredClients(t *testing.T) {
	t.Parallel()
	const uses = 1_000_000
	token := &engine.InitialAccessToken{ID: "token", MaxUses: uses, CreatedAt: time.Now()}
	if database := os.Getenv("STORE_CHILD"); database != "" {
		s := open(t, store.Config{Database: database})
		for worker := range 4 {
			go func() {
				for i := 0; ; i++ {
					c := newClient(fmt.Sprint("client-", os.Getpid(), "-", worker, "-", i))
					c.Caller = token.Caller()
					if err := s.AddClient(t.Context(), c); err != nil {
						panic(err)
					}
					fmt.Println(c.ID)
				}
			}()
		}
		select {}
	}
	backends(t, func(t *testing.T, database string) {
		s := open(t, store.Config{Database: database})
		if err := s.AddInitialAccessToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		acknowledged := 0
		for kill := range 4 {
			cmd := child(t, "TestKilledProcessTakesUsesOfStoredClients", database)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			seen := 0
			for lines := bufio.NewScanner(out); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "client-") {
					seen++
				}
				if seen == 20+7*kill {
					cmd.Process.Kill()
				}
			}
			cmd.Wait()
			acknowledged += seen
		}
		// Read both counts at once: the server may still commit what the killed process has sent.
		query := "SELECT (SELECT COUNT(*) FROM clients) || ' ' || (SELECT uses_left FROM initial_access_tokens)"
		if strings.HasPrefix(database, "mysql:") {
			query = "SELECT CONCAT((SELECT COUNT(*) FROM clients), ' ', (SELECT uses_left FROM initial_access_tokens))"
		}
		text, err := s.ReadValue(query)
		if err != nil {
			t.Fatal(err)
		}
		var stored, left int
		if _, err := fmt.Sscan(text, &stored, &left); err != nil {
			t.Fatal(err)
		}
		if stored < acknowledged || stored != uses-left {
			t.Errorf("%d acknowledged, %d stored, %d uses taken; want one use for each stored client",
				acknowledged, stored, uses-left)
		}
		t.Logf("%d acknowledged, %d stored, %d uses taken", acknowledged, stored, uses-left)
	})
}

// A test process leaves neither a server nor a directory behind, even if it panics, exits or is killed.
func TestServerEndsWithTestProcess(t *testing.T) {
	t.Parallel()
	if how := os.Getenv("STORE_CHILD"); how != "" {
		fmt.Println("temporary", os.TempDir())
		storetest.MySQL(t)
		fmt.Println("started")
		switch how {
		case "panic":
			panic("as asked")
		case "exit":
			os.Exit(3)
		case "wait":
			time.Sleep(time.Minute)
		}
		return
	}
	if os.Getenv("REGISTRAR_TEST_MYSQL") != "" {
		t.Skip("REGISTRAR_TEST_MYSQL names a server that the tests do not start")
	}
	storetest.MySQL(t) // skips the test if there is no server program
	for _, how := range []string{"return", "panic", "exit", "wait"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			temporary, err := os.MkdirTemp("", "r") // short, for the path of the socket
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(temporary)
			cmd := child(t, "TestServerEndsWithTestProcess", how)
			cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var pid int
			for lines := bufio.NewScanner(out); lines.Scan(); {
				if lines.Text() == "started" {
					pid = serverPID(t, temporary)
					if how == "wait" {
						cmd.Process.Kill()
					}
				}
			}
			cmd.Wait()
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				entries, err := os.ReadDir(temporary)
				alive := syscall.Kill(pid, 0) == nil
				if err == nil && len(entries) == 0 && !alive {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("left behind: %v, server %d alive %t, %v", entries, pid, alive, err)
				}
			}
		})
	}
}

func serverPID(t *testing.T, temporary string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(temporary, "registrar-mysql-*", "pid"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files with the server's process ID: got %v and %v, want one", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
