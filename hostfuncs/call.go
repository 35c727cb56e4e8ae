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

// The limits of a registration, for all its scripts together.
const (
	MaxEntropy  = 4 << 10 // bytes of random data
	MaxLogBytes = 4 << 10
	MaxLogLines = 32
	MaxItems    = 64
	MaxKey      = 255       // bytes of an item's key
	MaxItem     = 4 << 10   // bytes of an item
	MaxValue    = 128 << 10 // bytes of each value that a script writes
)

// A Call is one call of a script by the host: a step, or its initialization.
type Call struct {
	// Registration is the registration that the step runs for. It is nil during initialization, when functions that need
	// one trap.
	Registration *engine.Registration
	Step         string         // name of the step; "" during initialization
	Script       string         // name of the script in its deployment
	Mode         Mode           // for read_context
	Config       jsontext.Value // the script's configuration; nil means {}
	Now          time.Time      // when the request arrived or, during initialization, the module was instantiated

	// Base runs the step that the script replaces. It returns an *engine.Error if that refused the registration.
	Base func() error
	// ClientExists reports whether a client ID is taken.
	ClientExists func(ctx context.Context, id string) (bool, error)

	// Meter meters the script; nil means that functions cost nothing, and that Event must not be called.
	Meter Meter

	Entropy *Entropy
	Log     *Log
	// Command is the state of a program; nil for a module with steps.
	Command *Command

	refusal         *engine.Error
	baseRan         bool
	monotonicOffset int64     // nanoseconds by which the monotonic clock is ahead of Now
	panicked        string    // see Panicked
	panicContinues  bool      // its text is in the next line
	pending         [2][]byte // the incomplete last lines of standard output and standard error
}

// A Mode tells a script whether its registration counts; read_context returns it (docs/abi.md). It is the
// registration's engine.Mode or, if that is engine.ModeEnforce, the scripts.Mode of the script in its deployment.
type Mode string

// The modes that scripts see.
const (
	ModeEnforce Mode = "enforce" // the registration counts
	ModeCanary  Mode = "canary"  // it counts, and the script acts for a share of the callers
	ModeDryRun  Mode = "dry_run" // nothing is stored
	ModeShadow  Mode = "shadow"  // nothing is stored; another run of the same registration counts
	ModeReplay  Mode = "replay"  // repeats a stored client's registration; nothing is stored
)

// A Meter meters a script. Its methods panic to stop the script.
type Meter interface {
	// Event is called when the script has used up its slice of fuel, or its calls nest too deep.
	Event(reason uint32)
	// Charge takes fuel for a host function.
	Charge(fuel int64)
}

type callKey struct{}

// With returns a context in which host functions serve c.
func (c *Call) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// Event passes an event of a guest to the Meter of the call in ctx. It panics with a *[TrapError] if there is no call.
func Event(ctx context.Context, reason uint32) {
	c, ok := ctx.Value(callKey{}).(*Call)
	if !ok {
		panic(&TrapError{Function: "event", Reason: "it was called outside a step"})
	}
	c.Meter.Event(reason)
}

// Refusal returns the error of a script that refused: its own, else that of its base, else one without a reason.
func (c *Call) Refusal() *engine.Error {
	if c.refusal == nil {
		return engine.Refuse("")
	}
	return c.refusal
}

// Finish logs the incomplete last lines of standard output and standard error. It must be called after the script has
// returned.
func (c *Call) Finish() {
	for i, rest := range c.pending {
		if len(rest) > 0 {
			c.notePanic(rest)
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

// step returns m.call. It traps during initialization and, if names are given, in other steps.
func (m memory) step(names ...string) *Call {
	c := m.call
	if c.Registration == nil {
		m.trap("it was called during initialization, before there is a registration")
	}
	for _, name := range names {
		if c.Step == name {
			return c
		}
	}
	if names != nil {
		m.trap("it was called in %s: it works only in %s", c.Step, strings.Join(names, " and "))
	}
	return c
}

// Entropy is a source of at most MaxEntropy random bytes.
type Entropy struct {
	source io.Reader
	left   int
}

// NewEntropy returns an Entropy that reads from source.
func NewEntropy(source io.Reader) *Entropy { return &Entropy{source: source, left: MaxEntropy} }

func (e *Entropy) fill(m memory, b []byte) {
	if len(b) > e.left {
		m.trap("%d random bytes are asked for, but only %d of %d are left", len(b), e.left, MaxEntropy)
	}
	e.left -= len(b)
	if _, err := io.ReadFull(e.source, b); err != nil {
		panic(&BaseError{Err: err}) // the host's own failure
	}
}

// A Level is the severity of a log line: 0 debug, 1 info, 2 warn, 3 error.
type Level uint32

// The levels of log lines.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// A Line is a log line of a script.
type Line struct {
	Script string
	Step   string
	Level  Level
	Text   string
}

// A Log holds the lines of a registration until it has ended, so that secrets can be redacted.
type Log struct {
	lines   []Line
	bytes   int
	dropped int
	secrets []string
}

// Secret adds a string that [Log.Lines] redacts.
func (l *Log) Secret(s string) {
	if s != "" {
		l.secrets = append(l.secrets, s)
	}
}

// Adopt moves the lines of another log to l, as far as there is room.
func (l *Log) Adopt(other *Log) {
	for _, line := range other.lines {
		l.add(line)
	}
	l.dropped += other.dropped
	*other = Log{}
}

// Clone returns a copy of l.
func (l *Log) Clone() *Log {
	c := *l
	c.lines, c.secrets = slices.Clone(l.lines), slices.Clone(l.secrets)
	return &c
}

// For returns a copy of l whose lines are those of another script.
func (l *Log) For(script string) *Log {
	c := l.Clone()
	for i := range c.lines {
		c.lines[i].Script = script
	}
	return c
}

// Len returns the number of lines.
func (l *Log) Len() int { return len(l.lines) }

// Dropped returns the number of lines that were dropped for lack of room.
func (l *Log) Dropped() int { return l.dropped }

// Lines returns the lines, with secrets replaced by [redacted]. See [Log.Secret].
func (l *Log) Lines() []Line {
	redact := l.redact()
	lines := make([]Line, len(l.lines))
	for i, line := range l.lines {
		line.Text = redact.Replace(line.Text)
		lines[i] = line
	}
	return lines
}

// redact returns what replaces the secrets by [redacted].
func (l *Log) redact() *strings.Replacer {
	var pairs []string
	for _, s := range l.secrets {
		pairs = append(pairs, s, "[redacted]")
		if quoted, err := json.Marshal(s); err == nil {
			pairs = append(pairs, string(bytes.Trim(quoted, `"`)), "[redacted]")
		}
	}
	return strings.NewReplacer(pairs...)
}

// add adds a line, or drops it if there is no room.
func (l *Log) add(line Line) {
	if len(l.lines) == MaxLogLines || l.bytes+len(line.Text) > MaxLogBytes {
		l.dropped++
		return
	}
	l.bytes += len(line.Text)
	l.lines = append(l.lines, line)
}

// log adds a line of the script to the log.
func (c *Call) log(level Level, text []byte) {
	if len(text) > MaxLogBytes {
		c.Log.dropped++
		return
	}
	c.Log.add(Line{Script: c.Script, Step: c.Step, Level: min(level, LevelError),
		Text: strings.ToValidUTF8(string(text), "\uFFFD")})
}
