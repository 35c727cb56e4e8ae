package scripts

import "github.com/go-json-experiment/json/jsontext"

// A Comparison compares two outcomes of one registration: the original one, and that of a rerun with other scripts.
type Comparison struct {
	Was         Outcome      `json:"was"`                  // OutcomeRegistered, OutcomeRefused or OutcomeFailed
	Is          Outcome      `json:"is"`                   // of the rerun
	Error       *DryRunError `json:"error,omitzero"`       // why the rerun registered nothing
	Differences []Difference `json:"differences"`          // sorted by member; [] unless both registered
	More        int          `json:"more,omitzero"`        // differences beyond those listed
	OtherError  bool         `json:"other_error,omitzero"` // both were refused, with different errors
}

// Same reports whether the client would see no difference, apart from IDs, secrets, tokens and times.
func (c *Comparison) Same() bool {
	return c.Was == c.Is && len(c.Differences) == 0 && !c.OtherError
}

// A Difference is a member whose value differs between two clients. IDs, secrets, tokens and times are not compared.
type Difference struct {
	Member string `json:"member"`
	// Old and New are the values; nil if the member is absent or withheld. A value whose JSON is longer than MaxValue
	// is replaced by a string with the beginning of that JSON.
	Old jsontext.Value `json:"old,omitzero"`
	New jsontext.Value `json:"new,omitzero"`
	// Cut reports that Old or New was shortened.
	Cut bool `json:"cut,omitzero"`
	// Withheld reports that the values are left out because they may be secret. It is set for extension members and
	// software statements.
	Withheld bool `json:"withheld,omitzero"`
}

// MaxValue bounds a value or a member name in a [Difference], in bytes of JSON text.
const MaxValue = 1 << 10

// MaxDifferences bounds the differences that a [Comparison] lists.
const MaxDifferences = 100
