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

// absent is what a reading function returns where there is no value.
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
		{Name: "set_client_id", Params: types(i32, i32), call: setClientID},
		{Name: "set_client_secret", Fuel: 2000, Params: types(i32, i32, i64), call: setClientSecret},
		{Name: "get_item", Params: types(i32, i32, i32, i32), Results: types(i32), call: getItem},
		{Name: "set_item", Fuel: 300, Params: types(i32, i32, i32, i32), call: setItem},
		{Name: "call_base", Results: types(i32), call: callBase},
		{Name: "refuse", Fuel: 500, Params: types(i32, i32, i32, i32), call: refuse},
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

// u32 returns a parameter. Compiled code leaves garbage in the upper half of a stack slot.
func u32(slot uint64) uint32 { return api.DecodeU32(slot) }

// putJSON writes v as JSON.
func putJSON(m memory, v any, stack []uint64) {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic(&BaseError{Err: err})
	}
	m.call.charge(writtenByte * int64(len(b)))
	stack[0] = m.put(b, u32(stack[0]), u32(stack[1]))
}

// readContext is read_context(buf, cap i32) -> i32: what the registration is for, the step and the script's mode. It
// traps outside a step and for a buffer outside the memory, as all reading functions do, and returns the length.
func readContext(_ context.Context, m memory, stack []uint64) {
	putJSON(m, m.step().context(), stack)
}

// A stepContext is what the registration is for, the step and the script's mode.
type stepContext struct {
	Operation engine.Operation `json:"operation"`
	Step      string           `json:"step"`
	Mode      Mode             `json:"mode"`
}

func (c *Call) context() stepContext {
	return stepContext{c.Registration.Operation, c.Step, c.Mode}
}

// readRequest is read_request(buf, cap i32) -> i32: the metadata as sent.
func readRequest(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	stack[0] = m.put(c.Registration.Request.Raw, u32(stack[0]), u32(stack[1]))
}

// readClient is read_client(buf, cap i32) -> i32: the client as built so far, never with a secret.
func readClient(_ context.Context, m memory, stack []uint64) {
	r := m.step().Registration
	m.call.charge(writtenByte * int64(r.MetadataSize()))
	document, err := r.Client.Document()
	if err != nil {
		panic(&BaseError{Err: err})
	}
	stack[0] = m.put(document, u32(stack[0]), u32(stack[1]))
}

// readStatement is read_statement(buf, cap i32) -> i32: the verified claims of the software statement, -1 without one.
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

// readCaller is read_caller(buf, cap i32) -> i32: who registers, never with a raw token.
func readCaller(_ context.Context, m memory, stack []uint64) {
	putJSON(m, m.step().Registration.Caller, stack)
}

// clientExists is client_exists(ptr, len i32) -> i32: 1 if the client ID is taken, else 0. It traps for an ID beyond 255
// bytes.
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

// readConfig is read_config(buf, cap i32) -> i32: the script's own configuration, {} where it has none.
func readConfig(_ context.Context, m memory, stack []uint64) {
	stack[0] = m.put(m.step().config(), u32(stack[0]), u32(stack[1]))
}

func (c *Call) config() jsontext.Value {
	if c.Config == nil {
		return jsontext.Value("{}")
	}
	return c.Config
}

// What functions charge for each byte that they work on, about its time in nanoseconds.
const (
	writtenByte  = 4  // of a JSON document that is written to be read
	patchByte    = 50 // of a patch, which is decoded strictly
	metadataByte = 16 // of the metadata that a patch is merged with: it is written, merged and decoded again
)

// patchClient is patch_client(ptr, len i32) -> i32: 0 once the JSON Merge Patch (RFC 7396) is applied to the client's
// metadata, 1 where it is none that may be. Why goes to the script's log. It traps beyond 128 KiB.
func patchClient(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	patch := m.text("patch", u32(stack[0]), u32(stack[1]), MaxValue)
	c.charge(patchByte*int64(len(patch)) + metadataByte*int64(c.Registration.MetadataSize()))
	stack[0] = 0
	if err := c.Registration.PatchMetadata(c.Step, []byte(patch)); err != nil {
		c.log(LevelWarn, []byte("patch_client: "+err.Error()))
		stack[0] = 1
	}
}

// setClientID is set_client_id(ptr, len i32), in add_client_id. It traps for what cannot be a client ID.
func setClientID(_ context.Context, m memory, stack []uint64) {
	c := m.step(engine.StepAddClientID)
	id := m.text("client ID", u32(stack[0]), u32(stack[1]), engine.MaxClientID)
	if err := engine.CheckClientID(id); err != nil {
		m.trap("%v", err)
	}
	c.Registration.Client.ID = id
}

// maxExpiresIn is a hundred years, in seconds.
const maxExpiresIn = 100 * 365 * 24 * 60 * 60

// setClientSecret is set_client_secret(ptr, len i32, expires_in i64), in generate_secret and add_client_secret. The
// secret expires in so many seconds: 0 means the server's default, -1 never. It traps for what cannot be a secret, and
// for another negative time or one beyond a hundred years.
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

// getItem is get_item(kptr, klen, buf, cap i32) -> i32: the item of that key, -1 where there is none. It
// traps for a key beyond 255 bytes.
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

// setItem is set_item(kptr, klen, vptr, vlen i32). It traps for a key beyond 255 bytes, an item beyond 4 KiB, and a 65th
// item.
func setItem(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	key := m.text("key", u32(stack[0]), u32(stack[1]), MaxKey)
	value := m.text("item", u32(stack[2]), u32(stack[3]), MaxItem)
	if _, there := c.Registration.Items[key]; !there && len(c.Registration.Items) == MaxItems {
		m.trap("there are %d items already: more are not allowed", MaxItems)
	}
	c.Registration.SetItem(key, value)
}

// callBase is call_base() -> i32: 0 where what the step replaced is done, 1 where it refused, which then changed nothing.
// It traps the second time. Where the base failed, the script ends with it.
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

// refuse is refuse(cptr, clen, dptr, dlen i32): the code and the description of the refusal that returning 1 makes. A
// code that RFC 7591 does not know becomes invalid_client_metadata. It traps beyond 128 KiB.
func refuse(_ context.Context, m memory, stack []uint64) {
	c := m.step()
	code := m.text("code", u32(stack[0]), u32(stack[1]), MaxValue)
	description := m.text("description", u32(stack[2]), u32(stack[3]), MaxValue)
	c.refusal = engine.RefuseAs(engine.ParseCode(code), "%s", description)
}

// logLine is log(level, ptr, len i32): a line of the script's log, dropped and counted where there is no room. Levels
// beyond 3 are 3.
func logLine(_ context.Context, m memory, stack []uint64) {
	m.call.log(Level(u32(stack[0])), m.view(u32(stack[1]), u32(stack[2])))
}

// random is random(ptr, len i32): random bytes of the host. It traps beyond 4 KiB a registration.
func random(_ context.Context, m memory, stack []uint64) {
	b := m.view(u32(stack[0]), u32(stack[1]))
	m.call.Entropy.fill(m, b)
}

// now is now() -> i64: when the request arrived, in milliseconds since 1970.
func now(_ context.Context, m memory, stack []uint64) {
	stack[0] = api.EncodeI64(m.call.Now.UnixMilli())
}
