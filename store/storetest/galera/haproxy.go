package galera

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"registrar/store/storetest/child"
)

// Listen returns the section of HAProxy's configuration that leads the connections to listen, HOST:PORT, to the first
// of the nodes that is up. docs/databases.md recommends it.
func Listen(listen string, nodes ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `listen registrar
    bind %s
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
    timeout check 1s
    option tcp-check
    tcp-check expect rbinary ^......000A
    tcp-check send-binary 290000010182000000000001210000000000000000000000000000000000000000000000686170726f78790000
    tcp-check expect rbinary ^07000002000000
    tcp-check send-binary 1f0000000353484f5720535441545553204c494b45202777737265705f726561647927
    tcp-check expect binary 77737265705f7265616479024f4e
    tcp-check send-binary 0100000001
    default-server check inter 500ms fall 2 rise 10 on-marked-down shutdown-sessions
`, listen)
	for i, node := range nodes {
		role := " backup"
		if i == 0 {
			role = " on-marked-up shutdown-backup-sessions"
		}
		fmt.Fprintf(&b, "    server %s %s%s\n", name(i), node, role)
	}
	return b.String()
}

// A proxy is a HAProxy in front of a cluster.
type proxy struct {
	port    int
	process *os.Process
	exited  <-chan struct{}
}

// start starts HAProxy, and returns when the cluster answers through it. HAProxy takes servers as up until it has
// checked them.
func (p *proxy) start(c *Cluster) error {
	path, err := program("haproxy")
	if err != nil {
		return err
	}
	var nodes []string
	for _, ports := range c.ports {
		nodes = append(nodes, local(ports.clients))
	}
	file, err := os.CreateTemp("", "registrar-haproxy-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // it is read at the start only
	_, err = file.WriteString("global\n    maxconn 500\n" + Listen(local(p.port), nodes...))
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	var log strings.Builder
	cmd := exec.Command(path, "-db", "-f", file.Name())
	cmd.Stdout, cmd.Stderr = &log, &log
	if p.exited, err = child.Start(cmd); err != nil {
		return err
	}
	p.process = cmd.Process
	if err := p.await(c.ProxyDSN("")); err != nil {
		p.kill()
		return fmt.Errorf("starting HAProxy: %w\n%s", err, &log)
	}
	return nil
}

// await returns when a server answers at dsn.
func (p *proxy) await(dsn string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if err = db.Ping(); err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("it ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
	return err
}

// kill kills the proxy. One that does not run is left so.
func (p *proxy) kill() {
	if p.process == nil {
		return
	}
	_ = p.process.Kill() // it may have ended
	<-p.exited
	p.process = nil
}
