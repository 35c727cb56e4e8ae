package galera

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are chosen between these: below the range from which Linux takes the ports of outgoing connections, one of
// which might else take the port of a node while the node is down.
const firstPort, lastPort = 20_000, 32_000

// freePorts returns n ports of 127.0.0.1 on which nothing listens.
func freePorts(n int) (ports []int, err error) {
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	for range 100 * n {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			continue // taken
		}
		listeners, ports = append(listeners, l), append(ports, port)
	}
	return nil, errors.New("too few free ports")
}
