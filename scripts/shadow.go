package scripts

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Shadow is what a script in shadow mode would have done, in one deployment.
type Shadow struct {
	Deployment int64  `json:"deployment"`
	Script     string `json:"script"`
	Module     string `json:"module"` // a digest
	ShadowCounts
	// Differences are the latest ones, the newest first.
	Differences []ShadowDifference `json:"differences"`
}

// ShadowCounts are registrations, by what a script in shadow mode would have made of them.
type ShadowCounts struct {
	Same    int64 `json:"same"`
	Changed int64 `json:"changed"` // another client, or another reason to refuse it, or one where it was refused
	Refused int64 `json:"refused"` // where it was registered
	Failed  int64 `json:"failed"`  // of the script
	Dropped int64 `json:"dropped"` // not run, for there were too many
}

// A ShadowDifference is one registration that a script in shadow mode would have ended otherwise. It has no values of
// secrets and of members that are not listed.
type ShadowDifference struct {
	At      time.Time      `json:"at"`
	Outcome string         `json:"outcome"` // changed, refused or failed
	Changes jsontext.Value `json:"changes"` // what was and what would have been
}
