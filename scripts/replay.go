package scripts

// The bounds of a replay.
const (
	DefaultReplay = 1000    // registrations, unless it says how many
	MaxReplay     = 100_000 // registrations
	MaxReplayed   = 100     // registrations that are shown
)

// A Replay is what came of stored registrations that were run again. Each is counted once.
type Replay struct {
	Last        int        `json:"last"`        // how many were asked for
	Total       int        `json:"total"`       // how many there were
	Same        int        `json:"same"`        // registered as it is stored
	Changed     int        `json:"changed"`     // registered with other metadata
	Refused     int        `json:"refused"`     // not registered
	Failed      int        `json:"failed"`      // a script failed, or the server did
	Differences []Replayed `json:"differences"` // the first of those that are not the same, the newest first
}

// A Replayed is a registration that came out differently.
type Replayed struct {
	ClientID string `json:"client_id"`
	Comparison
}

// Count counts one registration, and shows it where it is not the same and there is room.
func (r *Replay) Count(clientID string, c Comparison) {
	r.Total++
	switch {
	case c.Same():
		r.Same++
		return
	case c.Is == OutcomeRefused:
		r.Refused++
	case c.Is == OutcomeFailed:
		r.Failed++
	default:
		r.Changed++
	}
	if len(r.Differences) < MaxReplayed {
		r.Differences = append(r.Differences, Replayed{ClientID: clientID, Comparison: c})
	}
}
