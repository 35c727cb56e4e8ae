package javascript

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"registrar/scripts/wasmbin"
)

// SourceSection is the name of the custom section that keeps the files of a script.
const SourceSection = "registrar.source"

// ErrNoSource reports that a module was not packed from a script.
var ErrNoSource = errors.New("the module holds no source: only scripts in JavaScript and TypeScript keep theirs")

// sources is the content of the section, as JSON.
type sources struct {
	Files []File `json:"files"`
}

// withSources returns a module with the section that keeps files.
func withSources(module []byte, files []File) ([]byte, error) {
	content, err := json.Marshal(sources{files}, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encoding the script's files: %w", err)
	}
	m, err := wasmbin.Decode(module)
	if err != nil {
		return nil, fmt.Errorf("reading what the script was packed into: %w", err)
	}
	return m.WithCustom(module, SourceSection, content), nil
}

// Sources returns the files that a module was packed from, the script's own first. It returns [ErrNoSource] if the
// module has none. Anyone who uploads a module can write this section, so it proves nothing; see [Verify].
func Sources(module []byte) ([]File, error) {
	m, err := wasmbin.Decode(module)
	if err != nil {
		return nil, fmt.Errorf("reading the module: %w", err)
	}
	kept := m.Custom(module, SourceSection)
	if len(kept) != 1 {
		return nil, ErrNoSource
	}
	var content sources
	if err := json.Unmarshal(kept[0], &content); err != nil {
		return nil, fmt.Errorf("the section %s of the module: %w", SourceSection, err)
	}
	if len(content.Files) == 0 {
		return nil, ErrNoSource
	}
	return content.Files, nil
}
