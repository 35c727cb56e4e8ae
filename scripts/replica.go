package scripts

import "time"

// A Replica is a server, as it describes itself to the others on its database.
type Replica struct {
	ID      string `json:"id"`      // random, of one process
	Version string `json:"version"` // of the program
	Address string `json:"address"` // of its admin listener, HOST:PORT
	// Deployment is the number of the deployment that it has loaded; nil before one is.
	Deployment *int64 `json:"deployment"`
	// Problem is why it cannot register clients; "" if it can.
	Problem   string    `json:"problem,omitzero"`
	StartedAt time.Time `json:"started_at"` // by the database's clock
	BeatAt    time.Time `json:"beat_at"`    // when it last wrote its row, by the database's clock
	// Live reports whether that was less than [ReplicaLife] ago.
	Live bool `json:"live"`
}

// ReplicaLife is how long a replica is live after it last wrote its row, which it does at least every five seconds.
const ReplicaLife = 15 * time.Second
