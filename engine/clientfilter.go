package engine

import (
	"net/netip"
	"time"
)

// A ClientFilter selects clients that match all of its fields. The zero value matches all clients.
type ClientFilter struct {
	Kind             Kind         // "" means any
	Status           Status       // "" means any
	Query            string       // what the ID begins with or the name contains, in upper or lower case; "" means any
	Name             string       // what the name contains, in upper or lower case; "" means any
	SoftwareID       string       // "" means any
	TokenID          string       // Caller.TokenID; "" means any
	Issuer           string       // Caller.Issuer; "" means any
	Subject          string       // Caller.Subject; "" means any
	Network          netip.Prefix // has Caller.IP; zero means any
	RegisteredAfter  time.Time    // IssuedAt is not before it; zero means any
	RegisteredBefore time.Time    // IssuedAt is before it; zero means any
	NeverSeen        bool         // SeenAt is zero; false means any
}

// A ClientPage is a part of a list of clients.
type ClientPage struct {
	Clients []*Client
	// Next is the place after which the next page begins; 0 means that there are no more clients. A page may have fewer
	// clients than were asked for, even none, and a Next.
	Next int64
}
