package scripts

import "github.com/go-json-experiment/json/jsontext"

// A Comparison is what differs between two endings of one registration: the one that counted, and another one that is
// tried.
type Comparison struct {
	Was         Outcome      `json:"was"`                  // OutcomeRegistered, OutcomeRefused or OutcomeFailed
	Is          Outcome      `json:"is"`                   // the same, of what is tried
	Error       *DryRunError `json:"error,omitzero"`       // why what is tried registered nothing
	Differences []Difference `json:"differences"`          // in the order of the members' names; [] unless both registered
	More        int          `json:"more,omitzero"`        // differences beyond those listed
	OtherError  bool         `json:"other_error,omitzero"` // both were refused, in different words
}

// Same reports whether the endings are the same for the client, but for what differs each time.
func (c *Comparison) Same() bool {
	return c.Was == c.Is && len(c.Differences) == 0 && !c.OtherError
}

// A Difference is a member that two clients do not have alike. IDs, secrets, tokens and times are none.
type Difference struct {
	Member string `json:"member"`
	// Old and New are the values; nil where there is none, or it is withheld. One whose JSON is longer than MaxValue is a
	// string of the beginning of it.
	Old jsontext.Value `json:"old,omitzero"`
	New jsontext.Value `json:"new,omitzero"`
	// Cut says that Old or New is such a beginning.
	Cut bool `json:"cut,omitzero"`
	// Withheld says that the values are not kept, since they may be secret: of extension members and software statements.
	Withheld bool `json:"withheld,omitzero"`
}

// MaxValue bounds what is kept of a value or a name in a difference, in bytes of JSON text.
const MaxValue = 1 << 10

// MaxDifferences is how many differences between two clients are listed.
const MaxDifferences = 100
