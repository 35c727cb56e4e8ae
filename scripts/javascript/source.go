package javascript

import (
	"encoding/binary"
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

// sourceSection returns the custom section with the files of a script (WebAssembly 2.0 §5.5.3).
func sourceSection(files []File) ([]byte, error) {
	content, err := json.Marshal(sources{files}, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encoding the script's files: %w", err)
	}
	content = append(append(binary.AppendUvarint(nil, uint64(len(SourceSection))), SourceSection...), content...)
	return append(binary.AppendUvarint([]byte{0}, uint64(len(content))), content...), nil
}

// Sources returns the files that a module was packed from, the script's own first. It returns [ErrNoSource] if the
// module has none. Anyone who uploads a module can write this section, so it proves nothing; see [Verify].
func Sources(module []byte) ([]File, error) {
	m, err := wasmbin.Decode(module)
	if err != nil {
		return nil, fmt.Errorf("reading the module: %w", err)
	}
	for _, s := range m.Sections {
		if s.ID != wasmbin.SectionCustom || s.Name != SourceSection {
			continue
		}
		content := s.Content.In(module)
		n, length := binary.Uvarint(content)
		var kept sources
		if err := json.Unmarshal(content[length+int(n):], &kept); err != nil {
			return nil, fmt.Errorf("the section %s of the module: %w", SourceSection, err)
		}
		if len(kept.Files) > 0 {
			return kept.Files, nil
		}
	}
	return nil, ErrNoSource
}
