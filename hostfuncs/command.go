package hostfuncs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/engine"
)

// The fuel of a program, in addition to that of its instructions and of the functions that it calls.
const (
	commandFuel   = 50_000
	commandInput  = 10        // for each byte of standard input
	commandOutput = patchByte // for each byte of standard output, which may hold a patch
)

// maxOutput bounds a program's standard output, in bytes.
const maxOutput = MaxValue

// A Command holds the arguments, the standard input and the standard output of one run of a program.
type Command struct {
	args   []string
	input  []byte // the unread rest
	output []byte
}

// NewCommand returns the Command of a program for the step of c, and its cost in fuel.
func (c *Call) NewCommand() (command *Command, fuel int64, err error) {
	client, err := c.Registration.ClientDocument()
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
	}{
		c.context(), c.Registration.Request.Raw, client, c.Registration.Statement, c.Registration.Caller, c.config(),
		items,
	}, json.Deterministic(true))
	if err != nil {
		return nil, 0, fmt.Errorf("writing a program's standard input: %w", err)
	}
	patched := c.Registration.MetadataSize() + c.Registration.RequestSize() // what its answer may patch
	fuel = commandFuel + commandInput*int64(len(input)) + metadataByte*int64(patched)
	return &Command{args: []string{c.Script, c.Step}, input: input}, fuel, nil
}

// A commandAnswer is the standard output of a program.
type commandAnswer struct {
	Patch        jsontext.Value    `json:"patch"`
	PatchRequest jsontext.Value    `json:"patch_request"`
	ClientID     *string           `json:"client_id"`
	ClientSecret *string           `json:"client_secret"`
	Items        map[string]string `json:"items"`
	Refuse       *struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	} `json:"refuse"`
}

// Done applies the standard output of a program that exited with 0. The error is a *[TrapError] if it is the program's
// fault. If it is not nil, a part may have been applied.
func (c *Call) Done() error {
	a, err := c.answer()
	if err != nil {
		return err
	}
	if a.Refuse != nil {
		return wrong("refuse: a program that refuses exits with 1")
	}
	if a.Patch != nil {
		if err := c.Registration.PatchMetadata(c.patcher(), a.Patch); err != nil {
			return wrong("patch: %v", err)
		}
	}
	if a.PatchRequest != nil {
		if err := c.Registration.PatchRequest(c.patcher(), a.PatchRequest); err != nil {
			return wrong("patch_request: %v", err)
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

// Refused reads the reason from the standard output of a program that exited with 1. An empty output gives none. The
// error is a *[TrapError].
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

// wrong returns the error for invalid standard output. It must not quote the output, which may hold a secret.
func wrong(format string, args ...any) *TrapError {
	return &TrapError{Function: "standard output", Reason: fmt.Sprintf(format, args...)}
}

// answerMembers are the members of a commandAnswer.
var answerMembers = [...]string{"patch", "patch_request", "client_id", "client_secret", "items", "refuse"}

// answer decodes the standard output.
func (c *Call) answer() (commandAnswer, error) {
	var a commandAnswer
	if jsontext.Value(c.Command.output).Kind() != '{' {
		return a, wrong("it must be a JSON object, {} for no change")
	}
	err := json.Unmarshal(c.Command.output, &a, json.RejectUnknownMembers(true))
	semantic, isSemantic := errors.AsType[*json.SemanticError](err)
	syntactic, isSyntactic := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case err == nil:
		return a, nil
	case isSyntactic:
		return a, wrong("it is not valid JSON at byte %d", syntactic.ByteOffset)
	case isSemantic:
		for name := range semantic.JSONPointer.Tokens() {
			if slices.Contains(answerMembers[:], name) {
				return a, wrong("%s has a wrong type or an unknown member", name)
			}
			break
		}
	}
	last := len(answerMembers) - 1
	return a, wrong("it may hold %s and %s, and no other member", strings.Join(answerMembers[:last], ", "),
		answerMembers[last])
}

func (c *Call) setItems(items map[string]string) error {
	for key, value := range items {
		if len(key) > MaxKey || len(value) > MaxItem {
			return wrong("items: a key may have at most %d bytes, and an item %d", MaxKey, MaxItem)
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
		return wrong("client_id: it may be set only in %s", engine.StepAddClientID)
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
		return wrong("client_secret: it may be set only in %s and %s", engine.StepGenerateSecret,
			engine.StepAddClientSecret)
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
