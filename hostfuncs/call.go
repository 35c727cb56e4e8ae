package hostfuncs

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
)

// What one registration may take from the host, all its scripts together.
const (
	MaxEntropy  = 4 << 10 // bytes of random data
	MaxLogBytes = 4 << 10
	MaxLogLines = 32
	MaxItems    = 64
	MaxKey      = 255       // bytes of an item's key
	MaxItem     = 4 << 10   // bytes of an item
	MaxValue    = 128 << 10 // bytes of each value that a script writes
)

// A Call is one entry of the host into a script: a step, or its initialization.
type Call struct {
	// Registration is what the step advances; nil during initialization, where every function that concerns a
	// registration traps.
	Registration *engine.Registration
	Step         string
	Script       string
	Mode         Mode
	Config       jsontext.Value // the script's own; nil means {}
	Now          time.Time      // of the request; during initialization, of the instantiation

	// Base runs what the step replaced. It returns an *engine.Error where that refused.
	Base func() error
	// ClientExists reports whether a client ID is taken.
	ClientExists func(ctx context.Context, id string) (bool, error)

	// Meter counts what the script does; nil takes nothing, and no event may come.
	Meter Meter

	Entropy *Entropy
	Log     *Log
	// Command is what a program runs with; nil for a module with steps.
	Command *Command

	refusal         *engine.Error
	baseRan         bool
	monotonicOffset int64 // nanoseconds by which the monotonic clock is ahead of Now
	pending         [2][]byte
}

// A Mode tells a script whether what it does counts. read_context shows it (docs/abi.md): the mode of the registration,
// which is engine.Mode, or, where that is to enforce, the mode of the script in its deployment, which is scripts.Mode.
type Mode string

// The modes that scripts see.
const (
	ModeEnforce Mode = "enforce" // the registration counts
	ModeCanary  Mode = "canary"  // it counts, and the script acts for a share of the callers
	ModeDryRun  Mode = "dry_run" // nothing is stored
	ModeShadow  Mode = "shadow"  // nothing is stored; another run of the same registration counts
	ModeReplay  Mode = "replay"  // a stored client's registration once more; nothing is stored
)

// A Meter counts what a script does.
type Meter interface {
	// Event is called when the script used up its slice of fuel, or its calls nest too deep. It panics where the script
	// may not go on.
	Event(reason uint32)
	// Charge takes fuel for what a function does. It panics where the script may not go on.
	Charge(fuel int64)
}

type callKey struct{}

// With returns a context in which host functions serve c.
func (c *Call) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// Event tells the call that a context serves of an event of its guest.
func Event(ctx context.Context, reason uint32) {
	c, ok := ctx.Value(callKey{}).(*Call)
	if !ok {
		panic(&TrapError{Function: "event", Reason: "it was called outside a step"})
	}
	c.Meter.Event(reason)
}

// Refusal returns why the script refused: what it said, else what its base said, else that it gave no reason.
func (c *Call) Refusal() *engine.Error {
	if c.refusal == nil {
		return engine.Refuse("")
	}
	return c.refusal
}

// Finish logs what the script wrote without ending the line. It is called when the script has returned.
func (c *Call) Finish() {
	for i, rest := range c.pending {
		if len(rest) > 0 {
			c.log(wasiLevels[i], rest)
		}
		c.pending[i] = nil
	}
}

func (c *Call) charge(fuel int64) {
	if c.Meter != nil {
		c.Meter.Charge(fuel)
	}
}

// step returns the call that a function serves, which must be one of a step: of any, or of those named.
func (m memory) step(names ...string) *Call {
	c := m.call
	if c.Registration == nil {
		m.trap("it was called during initialization, where there is no registration yet")
	}
	for _, name := range names {
		if c.Step == name {
			return c
		}
	}
	if names != nil {
		m.trap("it was called in %s: it works in %s alone", c.Step, strings.Join(names, " and "))
	}
	return c
}

// Entropy is a source of random bytes that runs dry.
type Entropy struct {
	source io.Reader
	left   int
}

// NewEntropy returns a source of MaxEntropy bytes.
func NewEntropy(source io.Reader) *Entropy { return &Entropy{source: source, left: MaxEntropy} }

func (e *Entropy) fill(m memory, b []byte) {
	if len(b) > e.left {
		m.trap("%d random bytes are asked for, and %d of %d are left", len(b), e.left, MaxEntropy)
	}
	e.left -= len(b)
	if _, err := io.ReadFull(e.source, b); err != nil {
		panic(&BaseError{Err: err}) // the host's own failure
	}
}

// A Level is how grave a log line is: 0 debug, 1 info, 2 warn, 3 error.
type Level uint32

// The levels of log lines.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// A Line is what a script logged.
type Line struct {
	Script string
	Step   string
	Level  Level
	Text   string
}

// A Log holds the lines of one registration until it has ended, so that its secrets can be blotted out.
type Log struct {
	lines   []Line
	bytes   int
	dropped int
	secrets []string
}

// Secret notes a string that no line may show.
func (l *Log) Secret(s string) {
	if s != "" {
		l.secrets = append(l.secrets, s)
	}
}

// Adopt takes over the lines of another log, as far as there is room.
func (l *Log) Adopt(other *Log) {
	for _, line := range other.lines {
		l.add(line)
	}
	l.dropped += other.dropped
	*other = Log{}
}

// Clone returns a copy of what is logged so far.
func (l *Log) Clone() *Log {
	c := *l
	c.lines, c.secrets = slices.Clone(l.lines), slices.Clone(l.secrets)
	return &c
}

// Len returns how many lines there are.
func (l *Log) Len() int { return len(l.lines) }

// Dropped returns how many lines there was no room for.
func (l *Log) Dropped() int { return l.dropped }

// Lines returns the lines, with every secret that was noted replaced by [redacted].
func (l *Log) Lines() []Line {
	var pairs []string
	for _, s := range l.secrets {
		pairs = append(pairs, s, "[redacted]")
		if quoted, err := json.Marshal(s); err == nil {
			pairs = append(pairs, string(bytes.Trim(quoted, `"`)), "[redacted]")
		}
	}
	blot := strings.NewReplacer(pairs...)
	lines := make([]Line, len(l.lines))
	for i, line := range l.lines {
		line.Text = blot.Replace(line.Text)
		lines[i] = line
	}
	return lines
}

// add keeps a line if there is room.
func (l *Log) add(line Line) {
	if len(l.lines) == MaxLogLines || l.bytes+len(line.Text) > MaxLogBytes {
		l.dropped++
		return
	}
	l.bytes += len(line.Text)
	l.lines = append(l.lines, line)
}

// log adds a line to the log.
func (c *Call) log(level Level, text []byte) {
	if len(text) > MaxLogBytes {
		c.Log.dropped++
		return
	}
	c.Log.add(Line{Script: c.Script, Step: c.Step, Level: min(level, LevelError), Text: strings.ToValidUTF8(string(text), "\uFFFD")})
}
