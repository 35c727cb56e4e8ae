package scripts

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Shadow holds the results of a script in shadow mode, in one deployment.
type Shadow struct {
	Deployment int64  `json:"deployment"`
	Script     string `json:"script"`
	Module     string `json:"module"` // a digest
	ShadowCounts
	// Differences are the latest ones, newest first.
	Differences []ShadowDifference `json:"differences"`
}

// ShadowCounts counts registrations by how a script in shadow mode would have affected them.
type ShadowCounts struct {
	Same    int64 `json:"same"`
	Changed int64 `json:"changed"` // other metadata, another refusal, or registered instead of refused
	Refused int64 `json:"refused"` // refused instead of registered
	Failed  int64 `json:"failed"`  // the script failed
	Dropped int64 `json:"dropped"` // not run to the end, because of the load
}

// A ShadowDifference is one registration that a script in shadow mode would have changed. It holds no secrets and no
// values of extension members.
type ShadowDifference struct {
	At      time.Time      `json:"at"`      // the time of the registration
	Outcome string         `json:"outcome"` // changed, refused or failed
	Changes jsontext.Value `json:"changes"` // a [Comparison]
}
