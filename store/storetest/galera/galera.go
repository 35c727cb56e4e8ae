// Package galera runs private clusters of three MariaDB servers with Galera for tests, all on loopback, with HAProxy in
// front: the first node is the writer, and the others take its place while it is down. See [Cluster.ProxyDSN].
package galera

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/store/storetest/mariadb"
)

// Nodes is how many nodes a cluster has. They are numbered from 0, the writer.
const Nodes = 3

// The account of the DSNs. It may do everything.
const account = "registrar"

// patience bounds how long a node may take to become a synchronized member. A state transfer takes about 10 s.
const patience = 2 * time.Minute

// libraries are where packages of distributions install Galera.
var libraries = []string{"/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so"}

// A Cluster is a running cluster. When this process ends, its servers are killed and their folders removed. Its methods
// must not be called concurrently.
type Cluster struct {
	nodes   [Nodes]*mariadb.Server
	ports   [Nodes]ports
	away    [Nodes]bool // not started yet, killed or paused
	library string
	proxy   *proxy
}

// ports are the ports of a node, on 127.0.0.1: of clients, of the other nodes, and of transfers of the whole state and
// of what is missing.
type ports struct{ clients, group, state, increment int }

// New starts a cluster, and returns when all nodes are synchronized and the proxy answers. Root's clusters run as user
// mysql, since state transfers fail as root. Its error is [mariadb.ErrMissing] if a program is not installed.
func New() (*Cluster, error) {
	c := &Cluster{away: [Nodes]bool{true, true, true}}
	if err := c.require(); err != nil {
		return nil, err
	}
	err := c.create()
	if err == nil {
		err = c.start()
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// require looks for what must be installed.
func (c *Cluster) require() error {
	found := slices.IndexFunc(libraries, func(path string) bool { _, err := os.Stat(path); return err == nil })
	if found < 0 {
		return fmt.Errorf("galera-4 is %w: make install installs it on Debian and Ubuntu", mariadb.ErrMissing)
	}
	c.library = libraries[found]
	for _, name := range []string{"rsync", "haproxy"} {
		if _, err := program(name); err != nil {
			return err
		}
	}
	return nil
}

// program returns the path of a program in PATH or /usr/sbin.
func program(name string) (string, error) {
	if path, err := mariadb.Find(name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s is %w: make install installs it on Debian and Ubuntu", name, mariadb.ErrMissing)
}

// create creates the nodes.
func (c *Cluster) create() error {
	free, err := freePorts(4*Nodes + 1)
	if err != nil {
		return err
	}
	for i := range c.nodes {
		c.ports[i] = ports{free[4*i], free[4*i+1], free[4*i+2], free[4*i+3]}
	}
	c.proxy = &proxy{port: free[4*Nodes]}
	user := ""
	if os.Geteuid() == 0 {
		user = "mysql"
	}
	var creating sync.WaitGroup
	errs := make([]error, Nodes)
	for i := range c.nodes {
		creating.Go(func() {
			config := mariadb.Config{User: user, Port: c.ports[i].clients, Args: c.arguments(i)}
			c.nodes[i], errs[i] = mariadb.New(config)
		})
	}
	creating.Wait()
	return errors.Join(errs...)
}

// arguments returns the arguments of a node that Galera needs. The node's state comes from the last of the others,
// since the one that gives it cannot commit meanwhile.
func (c *Cluster) arguments(node int) []string {
	var group []string
	var donors string
	for i, p := range c.ports {
		group = append(group, local(p.group))
		if i != node {
			donors = name(i) + "," + donors
		}
	}
	own := c.ports[node]
	return []string{
		"--max-connections=500", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
		"--wsrep-on=ON", "--wsrep-provider=" + c.library, "--wsrep-cluster-name=test",
		"--wsrep-cluster-address=gcomm://" + strings.Join(group, ","),
		"--wsrep-node-address=" + local(own.group), "--wsrep-node-name=" + name(node),
		"--wsrep-sst-donor=" + donors, "--wsrep-sst-method=rsync", "--wsrep-sst-receive-address=" + local(own.state),
		fmt.Sprintf("--wsrep-provider-options=base_port=%d;gmcast.listen_addr=tcp://%s;ist.recv_addr=%s;gcache.size=32M",
			own.group, local(own.group), local(own.increment)),
	}
}

func name(node int) string { return fmt.Sprint("node", node+1) }

func local(port int) string { return fmt.Sprint("127.0.0.1:", port) }

// start starts the nodes one after the other, as a state transfer needs the one before, and the proxy.
func (c *Cluster) start() error {
	if err := c.nodes[0].Start("--wsrep-new-cluster"); err != nil {
		return err
	}
	if err := c.awaitSynchronized(0); err != nil {
		return err
	}
	if err := c.createAccounts(); err != nil {
		return err
	}
	for node := 1; node < Nodes; node++ {
		if err := c.Restart(node); err != nil {
			return err
		}
	}
	return c.proxy.start(c)
}

// createAccounts creates the account of the DSNs, and the one that the proxy checks nodes with.
func (c *Cluster) createAccounts() error {
	db, err := sql.Open("mysql", c.nodes[0].DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range []string{
		"CREATE USER " + account + "@'%' IDENTIFIED BY '" + account + "'",
		"GRANT ALL ON *.* TO " + account + "@'%'",
		"CREATE USER haproxy@'127.0.0.1'",
	} {
		if _, err := db.Exec(statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// DSN returns the DSN of a database on a node, by TCP.
func (c *Cluster) DSN(node int, database string) string { return dsn(c.ports[node].clients, database) }

// ProxyDSN returns the DSN of a database through HAProxy, which leads all connections to the first node that is up.
func (c *Cluster) ProxyDSN(database string) string { return dsn(c.proxy.port, database) }

func dsn(port int, database string) string {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName = account, account, "tcp", local(port), database
	return cfg.FormatDSN()
}

// Writer returns the node to which the proxy leads connections.
func (c *Cluster) Writer() (node int, err error) {
	db, err := sql.Open("mysql", c.ProxyDSN(""))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	var found string
	if err := db.QueryRow("SELECT @@wsrep_node_name").Scan(&found); err != nil {
		return 0, err
	}
	for node := range c.nodes {
		if name(node) == found {
			return node, nil
		}
	}
	return 0, fmt.Errorf("the proxy leads to %q", found)
}

// Kill kills a node, as in a crash.
func (c *Cluster) Kill(node int) {
	c.away[node] = true
	c.nodes[node].Kill()
}

// Pause has a running node do nothing until Resume, as if it hung: its connections stay open. The others expel it after
// 5 s, until when no node commits.
func (c *Cluster) Pause(node int) error {
	c.away[node] = true
	return c.nodes[node].Pause()
}

// Resume has nodes go on after Pause. It returns when they are synchronized with the others again.
func (c *Cluster) Resume(nodes ...int) error {
	for _, node := range nodes {
		if err := c.nodes[node].Resume(); err != nil {
			return err
		}
		c.away[node] = false
	}
	for _, node := range nodes {
		if err := c.awaitSynchronized(node); err != nil {
			return err
		}
	}
	return nil
}

// Restart kills a node if it runs, starts it, and returns when it is synchronized with the others, one of which must
// be.
func (c *Cluster) Restart(node int) error {
	if err := c.nodes[node].Restart(); err != nil {
		return err
	}
	return c.awaitSynchronized(node)
}

// awaitSynchronized returns when a node serves clients as a member of the group that the other running nodes are
// members of.
func (c *Cluster) awaitSynchronized(node int) error {
	c.away[node] = false
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		groups := map[string]bool{}
		last = nil
		for other := range c.nodes {
			if !c.away[other] {
				group, err := c.group(other)
				groups[group], last = true, errors.Join(last, err)
			}
		}
		if last == nil && len(groups) == 1 {
			return nil
		}
	}
	return fmt.Errorf("%s is not synchronized after %v: %w", name(node), patience,
		cmp.Or(last, errors.New("the nodes are in several groups")))
}

// AwaitCutOff returns when a running node knows that it has no quorum, since others are paused or killed. If these go
// on before, the group is formed anew some time after all nodes say that they are members of it, and another node that
// is lost meanwhile leaves the cluster without a quorum for good.
func (c *Cluster) AwaitCutOff(node int) error {
	var state string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var err error
		if state, err = c.state(node); err != nil {
			return err
		}
		if strings.Contains(state, ",non-Primary,") {
			return nil
		}
	}
	return fmt.Errorf("%s is not cut off after %v, but in the state %s", name(node), patience, state)
}

// group returns the number of the membership that a node knows of, which changes when a node joins or leaves. It fails
// if the node is not synchronized with the others.
func (c *Cluster) group(node int) (string, error) {
	state, err := c.state(node)
	if err != nil {
		return "", err
	}
	group, ready := strings.CutSuffix(state, ",Primary,OPERATIONAL,Synced,ON")
	if !ready {
		return "", fmt.Errorf("%s is in the state %s", name(node), state)
	}
	return group, nil
}

// state returns the number of the membership that a node knows of, whether it has a quorum, whether the membership is
// changing, whether the node has the others' state, and whether it serves clients.
func (c *Cluster) state(node int) (string, error) {
	db, err := sql.Open("mysql", c.nodes[node].DSN(""))
	if err != nil {
		return "", err
	}
	defer db.Close()
	const query = "SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME) FROM information_schema.GLOBAL_STATUS " +
		"WHERE VARIABLE_NAME IN ('WSREP_CLUSTER_CONF_ID', 'WSREP_CLUSTER_STATUS', 'WSREP_EVS_STATE', " +
		"'WSREP_LOCAL_STATE_COMMENT', 'WSREP_READY')"
	var state string
	err = db.QueryRow(query).Scan(&state)
	return state, err
}

// Close kills the nodes and the proxy, and removes their folders.
func (c *Cluster) Close() error {
	var errs []error
	if c.proxy != nil {
		c.proxy.kill()
	}
	for _, node := range c.nodes {
		if node != nil {
			errs = append(errs, node.Close())
		}
	}
	return errors.Join(errs...)
}
