package sandbox

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
	"registrar/scripts/configschema"
	"registrar/scripts/wasmbin"
)

// configSchema judges the schema of the configuration that a module may carry.
func (i *inspection) configSchema(wasm []byte, schemas *configschema.Cache) {
	found := i.m.Custom(wasm, configschema.Section)
	if len(found) == 0 {
		return
	}
	if len(found) > 1 {
		i.refuse("the module has %d custom sections %s: one is allowed, as registrar script pack writes it",
			len(found), configschema.Section)
		return
	}
	_, err := schemas.Parse(found[0])
	if rejected, ok := errors.AsType[*scripts.RejectedError](err); ok {
		i.reasons = append(i.reasons, rejected.Reasons...)
		return
	}
	i.verdict.ConfigSchema = bytes.Clone(found[0])
}

// CheckConfig returns a *[scripts.RejectedError] if a configuration does not fit the schema that its module carries.
// verdict is what Inspect returned for the module.
func (s *Sandbox) CheckConfig(verdict scripts.Module, config jsontext.Value) error {
	if verdict.ConfigSchema == nil {
		return nil
	}
	schema, err := s.schemas.Parse(verdict.ConfigSchema)
	if err != nil {
		return err
	}
	return schema.Check(config)
}

// ConfigSchema returns the schema of the configuration that a stored module carries, nil if it has none.
func ConfigSchema(wasm []byte) (jsontext.Value, error) {
	m, err := wasmbin.Decode(wasm)
	if err != nil {
		return nil, fmt.Errorf("decoding a module that was inspected: %w", err)
	}
	if found := m.Custom(wasm, configschema.Section); len(found) == 1 && jsontext.Value(found[0]).IsValid() {
		return bytes.Clone(found[0]), nil
	}
	return nil, nil
}
