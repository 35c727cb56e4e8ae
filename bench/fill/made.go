package fill

import "registrar/bench/load"

// Made returns the clients that [Clients] inserts into an empty table, in the order of their IDs, for calls to them.
func Made(ids IDs, count int) []load.Client {
	clients := make([]load.Client, 0, count)
	for from := 0; from < count; from += batch {
		m := newMaker(uint64(from), ids)
		for i := from; i < min(from+batch, count); i++ {
			c := m.client(i, i, count)
			clients = append(clients, load.Client{ID: c.ID, Secret: c.secret, Token: c.token})
		}
	}
	return clients
}
