package scripts

// The bounds of a replay.
const (
	DefaultReplay = 1000    // registrations, if the request names no number
	MaxReplay     = 100_000 // registrations
	MaxReplayed   = 100     // registrations in Replay.Differences
)

// A Replay is the result of running stored registrations again. Each registration is counted in one of Same, Changed,
// Refused and Failed.
type Replay struct {
	Last        int        `json:"last"`        // registrations requested
	Total       int        `json:"total"`       // registrations run
	Same        int        `json:"same"`        // registered with the stored metadata
	Changed     int        `json:"changed"`     // registered with other metadata
	Refused     int        `json:"refused"`     // refused
	Failed      int        `json:"failed"`      // failed, by a script or the server
	Differences []Replayed `json:"differences"` // the newest that are not the same, newest first; at most MaxReplayed
}

// A Replayed is a registration whose replay differs from what is stored.
type Replayed struct {
	ClientID string `json:"client_id"`
	Comparison
}

// Count counts one registration. It adds the first [MaxReplayed] that are not the same to Differences.
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
