package hostfuncs

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/tetratelabs/wazero/api"

	"registrar/engine"
)

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64
)

// absent is the result of a reading function if there is no value.
const absent = -1

// registrarFunctions returns the functions of registrar_v1, in the order of docs/abi.md.
func registrarFunctions() []Function {
	functions := []Function{
		{Name: "read_context", Fuel: 1000, Params: types(i32, i32), Results: types(i32), call: readContext},
		{Name: "read_request", Params: types(i32, i32), Results: types(i32), call: readRequest},
		{Name: "read_client", Fuel: 2000, Params: types(i32, i32), Results: types(i32), call: readClient},
		{Name: "read_statement", Params: types(i32, i32), Results: types(i32), call: readStatement},
		{Name: "read_caller", Fuel: 1000, Params: types(i32, i32), Results: types(i32), call: readCaller},
		{Name: "client_exists", Fuel: 50_000, Params: types(i32, i32), Results: types(i32), call: clientExists},
		{Name: "read_config", Params: types(i32, i32), Results: types(i32), call: readConfig},
		{Name: "patch_client", Fuel: 20_000, Params: types(i32, i32), Results: types(i32), call: patchClient},
		{Name: "patch_request", Fuel: 20_000, Params: types(i32, i32), Results: types(i32), call: patchRequest},
		{Name: "set_client_id", Params: types(i32, i32), call: setClientID},
		{Name: "set_client_secret", Fuel: 2000, Params: types(i32, i32, i64), call: setClientSecret},
		{Name: "get_item", Params: types(i32, i32, i32, i32), Results: types(i32), call: getItem},
		{Name: "set_item", Fuel: 300, Params: types(i32, i32, i32, i32), call: setItem},
		{Name: "call_base", Results: types(i32), call: callBase},
		{Name: "refuse", Fuel: 500, Params: types(i32, i32, i32, i32), call: refuse},
		{Name: "fail", Fuel: 500, Params: types(i32, i32), call: fail},
		{Name: "log", Fuel: 200, Params: types(i32, i32, i32), call: logLine},
		{Name: "random", Fuel: 500, Params: types(i32, i32), call: random},
		{Name: "now", Results: types(i64), call: now},
	}
	for i := range functions {
		functions[i].Module = ModuleName
	}
	return functions
}

func types(t ...api.ValueType) []api.ValueType { return t }

// u32 decodes a parameter. Compiled code leaves garbage in the upper half of a stack slot.
func u32(slot uint64) uint32 { return api.DecodeU32(slot) }

// putJSON writes v as JSON into the buffer of a reading function.
func putJSON(m memory, v any, stack []uint64) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(&BaseError{Err: err})
	}
	m.call.charge(writtenByte * int64(len(b)))
	stack[0] = m.put(b, u32(stack[0]), u32(stack[1]))
}

// readContext implements read_context(buf, cap i32) -> i32: the operation, the step and the mode. Like all reading
// functions, it returns the length of the value, writes the value if it fits into the buffer, and traps during
// initialization or if the buffer is outside the memory.
func readContext(_ context.Context, m memory, stack []uint64) {
	putJSON(m, m.step().context(), stack)
}

// A stepContext is the value of read_context.
type stepContext struct {
	Operation engine.Operation `json:"operation"`
	Step      string           `json:"step"`
	Mode      Mode             `json:"mode"`
}

func (c *Call) context() stepContext {
	return stepContext{c.Registration.Operation, c.Step, c.Mode}
}

// readRequest implements read_request(buf, cap i32) -> i32: the metadata as sent, or as scripts patched it.
func readRequest(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	stack[0] = m.put(c.Registration.Request.Raw, u32(stack[0]), u32(stack[1]))
}

// readClient implements read_client(buf, cap i32) -> i32: the client as built so far, without its secret.
func readClient(_ context.Context, m memory, stack []uint64) {
	r := m.step().Registration
	m.call.charge(writtenByte * int64(r.MetadataSize()))
	document, err := r.ClientDocument()
	if err != nil {
		panic(&BaseError{Err: err})
	}
	stack[0] = m.put(document, u32(stack[0]), u32(stack[1]))
}

// readStatement implements read_statement(buf, cap i32) -> i32: the verified claims of the software statement. It
// returns -1 if there is none.
func readStatement(_ context.Context, m memory, stack []uint64) {
	putOptional(m, m.step().Registration.Statement, stack)
}

func putOptional(m memory, value jsontext.Value, stack []uint64) {
	if value == nil {
		m.view(u32(stack[0]), u32(stack[1]))
		stack[0] = api.EncodeI32(absent)
		return
	}
	stack[0] = m.put(value, u32(stack[0]), u32(stack[1]))
}

// readCaller implements read_caller(buf, cap i32) -> i32: the caller, without a raw token.
func readCaller(_ context.Context, m memory, stack []uint64) {
	putJSON(m, m.step().Registration.Caller, stack)
}

// clientExists implements client_exists(ptr, len i32) -> i32: 1 if the client ID is taken, else 0. It traps if the ID
// has more than 255 bytes.
func clientExists(ctx context.Context, m memory, stack []uint64) {
	c := m.step()
	id := m.text("client ID", u32(stack[0]), u32(stack[1]), engine.MaxClientID)
	exists, err := c.ClientExists(ctx, id)
	if err != nil {
		panic(&BaseError{Err: err})
	}
	stack[0] = 0
	if exists {
		stack[0] = 1
	}
}

// readConfig implements read_config(buf, cap i32) -> i32: the script's configuration, {} by default.
func readConfig(_ context.Context, m memory, stack []uint64) {
	stack[0] = m.put(m.step().config(), u32(stack[0]), u32(stack[1]))
}

func (c *Call) config() jsontext.Value {
	if c.Config == nil {
		return jsontext.Value("{}")
	}
	return c.Config
}

// The fuel that functions charge for each byte that they work on, about its time in nanoseconds.
const (
	writtenByte  = 4  // of a JSON document for the script
	patchByte    = 50 // of a patch
	metadataByte = 16 // of the metadata that a patch is merged with
)

// patchClient implements patch_client(ptr, len i32) -> i32: applies a JSON Merge Patch (RFC 7396) to the client's
// metadata. It returns 0, or 1 if the patch is not valid; the reason is in the script's log. It traps if the patch has
// more than 128 KiB.
func patchClient(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	patch := m.text("patch", u32(stack[0]), u32(stack[1]), MaxValue)
	c.charge(patchByte*int64(len(patch)) + metadataByte*int64(c.Registration.MetadataSize()))
	stack[0] = 0
	if err := c.Registration.PatchMetadata(c.patcher(), []byte(patch)); err != nil {
		c.log(LevelWarn, []byte("patch_client: "+err.Error()))
		stack[0] = 1
	}
}

func (c *Call) patcher() engine.Patcher { return engine.Patcher{Step: c.Step, Script: c.Script} }

// patchRequest implements patch_request(ptr, len i32) -> i32: applies a JSON Merge Patch (RFC 7396) to the request, as
// the built-in steps that have not begun, and scripts, will read it. It returns 0, or 1 if the patch is not allowed;
// the reason is in the script's log. It traps if the patch has more than 128 KiB.
func patchRequest(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	patch := m.text("patch", u32(stack[0]), u32(stack[1]), MaxValue)
	c.charge(patchByte*int64(len(patch)) + metadataByte*int64(c.Registration.RequestSize()))
	stack[0] = 0
	if err := c.Registration.PatchRequest(c.patcher(), []byte(patch)); err != nil {
		c.log(LevelWarn, []byte("patch_request: "+err.Error()))
		stack[0] = 1
	}
}

// setClientID implements set_client_id(ptr, len i32). It traps outside add_client_id and for an invalid client ID.
func setClientID(_ context.Context, m memory, stack []uint64) {
	c := m.step(engine.StepAddClientID)
	id := m.text("client ID", u32(stack[0]), u32(stack[1]), engine.MaxClientID)
	if err := engine.CheckClientID(id); err != nil {
		m.trap("%v", err)
	}
	c.Registration.Client.ID = id
}

// maxExpiresIn is 100 years, in seconds.
const maxExpiresIn = 100 * 365 * 24 * 60 * 60

// setClientSecret implements set_client_secret(ptr, len i32, expires_in i64). expires_in is in seconds: 0 means the
// server's default, -1 never. It traps outside generate_secret and add_client_secret, for an invalid secret, and for
// another negative expires_in or one of more than 100 years.
func setClientSecret(_ context.Context, m memory, stack []uint64) {
	c := m.step(engine.StepGenerateSecret, engine.StepAddClientSecret)
	secret := m.text("client secret", u32(stack[0]), u32(stack[1]), engine.MaxSecret)
	c.Log.Secret(secret)
	r := c.Registration
	var expires time.Time
	switch in := int64(stack[2]); {
	case in < -1 || in > maxExpiresIn:
		m.trap("expires_in is %d: it must be -1 to %d seconds", in, maxExpiresIn)
	case in == 0:
		expires = r.DefaultSecretExpiry()
	case in > 0:
		expires = r.Now.Truncate(time.Second).Add(time.Duration(in) * time.Second)
	}
	if err := engine.CheckSecret(engine.Plaintext(secret)); err != nil {
		m.trap("%v", err)
	}
	if err := r.SetSecret(engine.Plaintext(secret), expires); err != nil {
		panic(&BaseError{Err: err})
	}
}

// getItem implements get_item(kptr, klen, buf, cap i32) -> i32: the item of a key. It returns -1 if there is none, and
// traps if the key has more than 255 bytes.
func getItem(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	key := m.text("key", u32(stack[0]), u32(stack[1]), MaxKey)
	value, ok := c.Registration.Items[key]
	b := m.view(u32(stack[2]), u32(stack[3]))
	if !ok {
		stack[0] = api.EncodeI32(absent)
		return
	}
	if len(value) <= len(b) {
		copy(b, value)
	}
	stack[0] = api.EncodeU32(uint32(len(value)))
}

// setItem implements set_item(kptr, klen, vptr, vlen i32). It traps if the key has more than 255 bytes or the item more
// than 4 KiB, and for a 65th item.
func setItem(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	key := m.text("key", u32(stack[0]), u32(stack[1]), MaxKey)
	value := m.text("item", u32(stack[2]), u32(stack[3]), MaxItem)
	if _, there := c.Registration.Items[key]; !there && len(c.Registration.Items) == MaxItems {
		m.trap("there are %d items already: more are not allowed", MaxItems)
	}
	c.Registration.SetItem(key, value)
}

// callBase implements call_base() -> i32: runs the step that the script replaces. It returns 0, or 1 if that refused
// and so changed nothing. It traps if it is called twice. If the base fails, the script stops.
func callBase(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	if c.baseRan {
		m.trap("it was called twice in one step")
	}
	c.baseRan = true
	err := c.Base()
	refusal, refused := errors.AsType[*engine.Error](err)
	switch {
	case refused:
		c.refusal = refusal
		stack[0] = 1
	case err != nil:
		panic(&BaseError{Err: err})
	default:
		stack[0] = 0
	}
}

// refuse implements refuse(cptr, clen, dptr, dlen i32): sets the code and the description for a step that returns 1. An
// unknown code becomes invalid_client_metadata. It traps if one of the two has more than 128 KiB.
func refuse(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	code := m.text("code", u32(stack[0]), u32(stack[1]), MaxValue)
	description := m.text("description", u32(stack[2]), u32(stack[3]), MaxValue)
	c.refusal = engine.RefuseAs(engine.ParseCode(code), "%s", description)
}

// fail implements fail(ptr, len i32): ends the script as a failure, for the reason that the text gives. It works during
// initialization too. It traps if the text has more than 128 KiB.
func fail(_ context.Context, m memory, stack []uint64) {
	panic(&FailError{Text: m.text("reason", u32(stack[0]), u32(stack[1]), MaxValue)})
}

// logLine implements log(level, ptr, len i32): adds a line to the script's log. Lines without room are dropped and
// counted. Levels above 3 become 3.
func logLine(_ context.Context, m memory, stack []uint64) {
	m.call.log(Level(u32(stack[0])), m.view(u32(stack[1]), u32(stack[2])))
}

// random implements random(ptr, len i32): writes random bytes. It traps beyond 4 KiB per registration.
func random(_ context.Context, m memory, stack []uint64) {
	b := m.view(u32(stack[0]), u32(stack[1]))
	m.call.Entropy.fill(m, b)
}

// now implements now() -> i64: when the request arrived, in milliseconds since 1970.
func now(_ context.Context, m memory, stack []uint64) {
	stack[0] = api.EncodeI64(m.call.Now.UnixMilli())
}
