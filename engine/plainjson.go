package engine

import (
	"reflect"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// readPlainly reads an object into m, which must be empty, as json.Unmarshal does, but in one pass and without looking
// up the type of each value. It reports false if the object is not plain: if it is invalid, if a member repeats or has
// the wrong type, or if a list holds null. Then m may hold some of the members. m shares no memory with object.
// Its lists use room if they fit.
func readPlainly(object []byte, m *Metadata, room []string) bool {
	p := plainReaders.Get().(*plainReader)
	defer p.free()
	fields := reflect.ValueOf(m).Elem()
	c := cursor{json: string(object)}
	ok := c.object(func(name string) bool {
		if index, known := memberIndices()[name]; known {
			return p.read(&c, fields, index)
		}
		return m.readOther(&c, name)
	})
	p.setLists(room)
	return ok
}

// readOther reads the value of a member that has no field.
func (m *Metadata) readOther(c *cursor, name string) bool {
	if m.Other == nil {
		m.Other = make(map[string]jsontext.Value)
	}
	value, ok := c.value()
	if _, repeats := m.Other[name]; repeats || !ok {
		return false
	}
	m.Other[name] = value
	return true
}

// A plainReader reads the values of members into the fields of metadata.
type plainReader struct {
	seen   [128]bool // by the index of a field, whether it was read
	values []string  // of all lists: they share an array, but no room to append
	lists  []plainList
}

// A plainList is a list of strings that was read.
type plainList struct {
	field    *[]string
	from, to int // in plainReader.values
}

var plainReaders = sync.Pool{New: func() any { return new(plainReader) }}

// free empties p and gives it back.
func (p *plainReader) free() {
	clear(p.values)
	clear(p.lists)
	p.seen, p.values, p.lists = [128]bool{}, p.values[:0], p.lists[:0]
	if cap(p.values) > maxList {
		p.values = nil
	}
	plainReaders.Put(p)
}

// read reads a value into its field, but leaves lists to setLists. It reports false if the value is not plain.
func (p *plainReader) read(c *cursor, fields reflect.Value, index int) bool {
	if p.seen[index] {
		return false
	}
	p.seen[index] = true
	kind := c.peek()
	if kind == 'n' {
		fields.Field(index).SetZero()
		return c.word("null")
	}
	var ok bool
	switch field := fields.Field(index).Addr().Interface().(type) {
	case *string:
		*field, ok = c.text()
	case *[]string:
		ok = p.list(c, field)
	case **bool:
		ok = c.word("true") || c.word("false")
		*field = new(kind == 't')
	case **int64:
		n, isWhole := c.whole()
		*field, ok = &n, isWhole
	case *jsontext.Value:
		*field, ok = c.value()
	}
	return ok
}

// list reads a list of strings.
func (p *plainReader) list(c *cursor, field *[]string) bool {
	from := len(p.values)
	ok := c.sequence('[', ']', func() bool {
		value, ok := c.text()
		p.values = append(p.values, value)
		return ok
	})
	p.lists = append(p.lists, plainList{field, from, len(p.values)})
	return ok
}

// setLists sets the fields of the lists that were read. They use room if they fit.
func (p *plainReader) setLists(room []string) {
	if len(p.lists) == 0 {
		return
	}
	if room == nil || len(p.values) > len(room) {
		room = make([]string, len(p.values))
	}
	copy(room, p.values)
	for _, l := range p.lists {
		*l.field = room[l.from:l.to:l.to]
	}
}

// memberIndices returns the indices of the fields of Metadata, by the names of their members. Callers must not modify
// the map.
var memberIndices = sync.OnceValue(func() map[string]int {
	indices := make(map[string]int)
	for i, name := range memberNames() {
		indices[name] = i
	}
	return indices
})
