package scripts

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotFound reports that a module or deployment does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict reports that another change came first, or that the current state forbids the change.
	ErrConflict = errors.New("conflict")
)

// A RejectedError says why a module, a deployment or a replay was rejected, and what would be valid.
type RejectedError struct {
	Reasons []string // at least one
}

// Error joins the reasons.
func (r *RejectedError) Error() string { return strings.Join(r.Reasons, "; ") }

// Reject returns a *[RejectedError] with one reason.
func Reject(format string, args ...any) *RejectedError {
	return &RejectedError{Reasons: []string{fmt.Sprintf(format, args...)}}
}
