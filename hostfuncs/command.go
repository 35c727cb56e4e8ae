package hostfuncs

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
)

// What a program costs beside its instructions and the functions that it calls.
const (
	commandFuel   = 50_000
	commandInput  = 10        // for each byte of its standard input
	commandOutput = patchByte // for each byte of its standard output, which may be a patch
)

// maxOutput bounds a program's standard output, in bytes.
const maxOutput = MaxValue

// A Command is what one run of a program has instead of imported functions: arguments, standard input, standard output.
type Command struct {
	args   []string
	input  []byte // that is not read yet
	output []byte
}

// NewCommand returns what a program gets for the step of c, and what that costs.
func (c *Call) NewCommand() (command *Command, fuel int64, err error) {
	client, err := c.Registration.Client.Document()
	if err != nil {
		return nil, 0, fmt.Errorf("writing the client: %w", err)
	}
	items := c.Registration.Items
	if items == nil {
		items = map[string]string{}
	}
	input, err := json.Marshal(struct {
		Context   stepContext       `json:"context"`
		Request   jsontext.Value    `json:"request"`
		Client    jsontext.Value    `json:"client"`
		Statement jsontext.Value    `json:"statement,omitzero"`
		Caller    *engine.Caller    `json:"caller"`
		Config    jsontext.Value    `json:"config"`
		Items     map[string]string `json:"items"`
	}{c.context(), c.Registration.Request.Raw, client, c.Registration.Statement, c.Registration.Caller, c.config(), items}, json.Deterministic(true))
	if err != nil {
		return nil, 0, fmt.Errorf("writing the standard input of a program: %w", err)
	}
	fuel = commandFuel + commandInput*int64(len(input)) + metadataByte*int64(c.Registration.MetadataSize())
	return &Command{args: []string{c.Script, c.Step}, input: input}, fuel, nil
}

// A commandAnswer is what a program wrote to its standard output.
type commandAnswer struct {
	Patch        jsontext.Value    `json:"patch"`
	ClientID     *string           `json:"client_id"`
	ClientSecret *string           `json:"client_secret"`
	Items        map[string]string `json:"items"`
	Refuse       *struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	} `json:"refuse"`
}

// Done does what a program that exited with 0 asks for on its standard output. An error that is a *[TrapError] is the
// program's; it may have done a part then.
func (c *Call) Done() error {
	a, err := c.answer()
	if err != nil {
		return err
	}
	if a.Refuse != nil {
		return wrong("refuse: a program that refuses exits with 1")
	}
	if a.Patch != nil {
		if err := c.Registration.PatchMetadata(c.Step, a.Patch); err != nil {
			return wrong("patch: %v", err)
		}
	}
	if err := c.setItems(a.Items); err != nil {
		return err
	}
	if a.ClientID != nil {
		if err := c.commandID(*a.ClientID); err != nil {
			return err
		}
	}
	if a.ClientSecret != nil {
		return c.commandSecret(*a.ClientSecret)
	}
	return nil
}

// Refused takes over why a program refuses that exited with 1. Where it wrote nothing, it gives no reason. An error is a
// *[TrapError].
func (c *Call) Refused() error {
	if len(c.Command.output) == 0 {
		return nil
	}
	a, err := c.answer()
	if err != nil {
		return err
	}
	if a.Refuse != nil {
		c.refusal = engine.RefuseAs(engine.ParseCode(a.Refuse.Error), "%s", a.Refuse.Description)
	}
	return nil
}

// wrong is a standard output that may not be. Its words never hold what was written.
func wrong(format string, args ...any) *TrapError {
	return &TrapError{Function: "standard output", Reason: fmt.Sprintf(format, args...)}
}

// answer reads the standard output. What it holds may be a secret, so no error repeats it.
func (c *Call) answer() (commandAnswer, error) {
	var a commandAnswer
	if jsontext.Value(c.Command.output).Kind() != '{' {
		return a, wrong("it must be a JSON object, {} where there is nothing to say")
	}
	err := json.Unmarshal(c.Command.output, &a, json.RejectUnknownMembers(true))
	semantic, isSemantic := errors.AsType[*json.SemanticError](err)
	syntactic, isSyntactic := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case err == nil:
		return a, nil
	case isSyntactic:
		return a, wrong("it is no valid JSON at byte %d", syntactic.ByteOffset)
	case isSemantic:
		for name := range semantic.JSONPointer.Tokens() {
			if slices.Contains([]string{"patch", "client_id", "client_secret", "items", "refuse"}, name) {
				return a, wrong("%s has a wrong type or an unknown member", name)
			}
			break
		}
	}
	return a, wrong("it may hold patch, client_id, client_secret, items and refuse, and no other member")
}

func (c *Call) setItems(items map[string]string) error {
	for key, value := range items {
		if len(key) > MaxKey || len(value) > MaxItem {
			return wrong("items: a key may have %d bytes at most, and an item %d", MaxKey, MaxItem)
		}
		c.Registration.SetItem(key, value)
	}
	if n := len(c.Registration.Items); n > MaxItems {
		return wrong("items: there are %d: at most %d are allowed", n, MaxItems)
	}
	return nil
}

func (c *Call) commandID(id string) error {
	if c.Step != engine.StepAddClientID {
		return wrong("client_id: it is set in %s alone", engine.StepAddClientID)
	}
	if err := engine.CheckClientID(id); err != nil {
		return wrong("client_id: %v", err)
	}
	c.Registration.Client.ID = id
	return nil
}

func (c *Call) commandSecret(secret string) error {
	c.Log.Secret(secret)
	if c.Step != engine.StepGenerateSecret && c.Step != engine.StepAddClientSecret {
		return wrong("client_secret: it is set in %s and %s alone", engine.StepGenerateSecret, engine.StepAddClientSecret)
	}
	p := engine.Plaintext(secret)
	if err := engine.CheckSecret(p); err != nil {
		return wrong("client_secret: %v", err)
	}
	if err := c.Registration.SetSecret(p, c.Registration.DefaultSecretExpiry()); err != nil {
		return &BaseError{Err: err}
	}
	return nil
}
