package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/internal/alloctest"
)

// patchPlainly changes random metadata as patchAny does, or not at all. What copies of the metadata share stays as it
// was. REGISTRAR_TEST_PATCHES sets the number of patches.
func TestPlainPatches(t *testing.T) {
	runs := patchesOfTest(t)
	e := newEngine(t, Config{Options: Options{EchoExtensions: []string{"tier", "a b"}}})
	plain, applied := 0, 0
	for seed := range runs {
		g := patchGenerator{rand.New(rand.NewPCG(uint64(seed), 1))}
		metadata, copied := g.metadata(), patchGenerator{rand.New(rand.NewPCG(uint64(seed), 1))}.metadata()
		patch := g.patch()
		by := Patcher{Step: "set_client_name", Script: "s"}
		if g.IntN(20) == 0 {
			by.Step = StepBuildResponse
		}
		newRegistration := func() *Registration {
			return &Registration{Client: &Client{Metadata: metadata}, Request: &Request{}, engine: e,
				Response: jsontext.Value("{}")}
		}
		want, got := newRegistration(), newRegistration()
		wantErr := want.patchAny(by, []byte(patch))
		if wantErr == nil {
			applied++
		}
		if !got.patchPlainly(by, []byte(patch)) {
			want = newRegistration() // nothing is changed
		} else if plain++; wantErr != nil {
			t.Fatalf("seed %d: %s was applied to %+v, want %v", seed, patch, metadata, wantErr)
		}
		if diff := cmp.Diff(want.Client.Metadata, got.Client.Metadata); diff != "" {
			t.Fatalf("seed %d: %s applied to %+v, want (-) and got (+):\n%s", seed, patch, metadata, diff)
		}
		if !reflect.DeepEqual(metadata, copied) {
			t.Fatalf("seed %d: %s changed what copies share:\n%+v\n%+v", seed, patch, metadata, copied)
		}
		if a, b := want.Client.patchedSize, got.Client.patchedSize; a != b {
			t.Fatalf("seed %d: %s gives %d bytes, want %d for %+v", seed, patch, b, a, got.Client.Metadata)
		}
		if len(want.watched) != len(got.watched) || want.patches != got.patches ||
			(want.Response == nil) != (got.Response == nil) {
			t.Fatalf("seed %d: %s gives %+v, want %+v", seed, patch, got, want)
		}
	}
	if plain < applied/4 || applied < runs/10 || plain == applied {
		t.Errorf("of %d patches, %d are valid and %d of these plain: want many of both", runs, applied, plain)
	}
}

// patchesOfTest returns the number of random patches that a test makes.
func patchesOfTest(t *testing.T) int {
	s := os.Getenv("REGISTRAR_TEST_PATCHES")
	if s == "" {
		return 1_000
	}
	runs, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return runs
}

// A patchGenerator makes random metadata and patches.
type patchGenerator struct{ *rand.Rand }

func pick[T any](g patchGenerator, list ...T) T { return list[g.IntN(len(list))] }

// sometimes reports true once in n times.
func (g patchGenerator) sometimes(n int) bool { return g.IntN(n) == 0 }

func (g patchGenerator) metadata() (m Metadata) {
	v := reflect.ValueOf(&m).Elem()
	for i := range memberNames() {
		if !g.sometimes(4) {
			continue
		}
		switch p := v.Field(i).Addr().Interface().(type) {
		case *string:
			*p = g.text(500)
		case *[]string:
			*p = make([]string, g.IntN(4), 8) // with room that copies share
			for n := range *p {
				(*p)[n] = pick(g, "a", "b", "code token", g.text(500))
			}
		case **bool:
			*p = new(g.sometimes(2))
		case **int64:
			*p = new(g.Int64N(1000) - 100)
		case *jsontext.Value:
			*p = jsontext.Value(pick(g, `{"keys":[{"kty":"EC"}]}`, `{"keys": []}`, `{"keys":[{"kid":"\u0061"}]}`,
				`null`,
				`{"a":"b c","b":[1, 2]}`, `{"keys":[{"a":`+strings.Repeat("[", 97)+strings.Repeat("]", 97)+`}]}`))
		}
	}
	if g.sometimes(4) {
		m.Other = map[string]jsontext.Value{}
		for range 1 + g.IntN(3) {
			m.Other[pick(g, "tier", "client_name#de", "client_name#pt-BR", `a b`, "tos_uri#ja")] =
				jsontext.Value(pick(g, `"Ein Name"`, `null`, `""`, `{"a":1}`, `{"a": 1}`, `"\u00e9"`, `"é"`, `1.0`,
					"\"\x7f\""))
		}
	}
	return m
}

// text returns a string, which metadata may not have once in odd times.
func (g patchGenerator) text(odd int) string {
	if g.sometimes(400) {
		return pick(g, strings.Repeat("é", 70_000), strings.Repeat("\"", 60_000))
	}
	if g.sometimes(odd) {
		return pick(g, "", "tab\there", "\x01", "\x7f", "\u2028", "\u200d")
	}
	return pick(g, "a", "b", "A name", "é – ü", `"quoted"`, `back\slash`, "a a b", " a  b ", "<&>", "c d", "D", "e-f",
		"https://app.example/?a=1&b", strings.Repeat("long ", 20))
}

func (g patchGenerator) patch() string {
	var b strings.Builder
	b.WriteString(pick(g, "{", "{", " {\n"))
	for n := range g.IntN(5) {
		if n > 0 {
			b.WriteString(pick(g, ",", ",", " , "))
		}
		name := g.name()
		fmt.Fprintf(&b, "%s%s%s", name, pick(g, ":", ":", " : "), g.value(name))
	}
	b.WriteString("}")
	switch s := b.String(); g.IntN(40) {
	case 0:
		return s[:g.IntN(len(s))]
	case 1:
		return s + pick(g, "x", "{}", " ", "\n", ",")
	case 2:
		return pick(g, "null", "[]", `"a"`, "", "{", "{}")
	default:
		return s
	}
}

func (g patchGenerator) name() string {
	if g.sometimes(25) {
		return pick(g, `"client_id"`, `"tier"`, `"unknown"`, `"client_name#fr"`, `"client_name#FR"`,
			`"client\u005fname"`,
			`"a b"`, `"\ud800"`, `""`)
	}
	return strconv.Quote(memberNames()[g.IntN(len(memberNames()))])
}

// value returns a value of JSON, mostly of the type of the member of a quoted name.
func (g patchGenerator) value(name string) string {
	kind := g.IntN(80)
	if index, known := memberIndices()[strings.Trim(name, `"`)]; known && kind > 4 {
		switch kind = 5; reflect.ValueOf(Metadata{}).Field(index).Interface().(type) {
		case []string:
			kind = 4
		case *bool:
			kind = 1
		case *int64:
			kind = 2
		case jsontext.Value:
			kind = 3
		}
		if g.sometimes(10) {
			kind = 0
		}
	}
	switch kind {
	case 0:
		return "null"
	case 1:
		return pick(g, "true", "false", "true", "false", "tru")
	case 2:
		return pick(g, "0", "17", "86400", "-1", "-0", "1.0", "1e3", "01", "9223372036854775807", "9223372036854775808")
	case 3:
		return fmt.Sprintf(`{"a":%s, "b":%s}`, g.quoted(), pick(g, "null", "{}", "[1, 2]"))
	case 4:
		list := make([]string, g.IntN(4))
		for i := range list {
			if list[i] = g.quoted(); g.sometimes(40) {
				list[i] = pick(g, "null", "1", "[]", `""`)
			}
		}
		return "[" + strings.Join(list, pick(g, ",", ", ")) + pick(g, "]", "]", "]", " ]")
	}
	return g.quoted()
}

func (g patchGenerator) quoted() string {
	if g.sometimes(30) {
		return pick(g, `"\u0041\n"`, `"\u00e9"`, `"\ud83d\ude00"`, `"\ud83d"`, "\"\xff\"", `"\/"`, `"`, "\"\t\"")
	}
	b, err := jsontext.AppendQuote(nil, g.text(20))
	if err != nil {
		panic(err) // unreachable: it is valid UTF-8
	}
	return string(b)
}

// Metadata that patchAny cannot write is left to it.
func TestPlainPatchesOfInvalidMetadata(t *testing.T) {
	for name, m := range map[string]Metadata{
		"a string": {LogoURI: "\xff"},
		"a list":   {Contacts: []string{"\xff"}},
		"a name":   {Other: map[string]jsontext.Value{"\xff": jsontext.Value("1")}},
		"a value":  {JWKS: jsontext.Value("\"\xff\"")},
		"no value": {JWKS: jsontext.Value{}},
	} {
		p := &plainPatch{metadata: m}
		if _, ok := p.apply([]byte(`{"client_name":"A"}`)); ok {
			t.Errorf("%s: the patch was applied", name)
		}
	}
}

// What a plainPatch holds is gone when it is given back.
func TestPlainPatchesAreEmptied(t *testing.T) {
	p := new(plainPatch)
	p.metadata.ClientName = "A"
	if _, ok := p.apply([]byte(`{"client_name":"B","contacts":["a@app.example","b@app.example"]}`)); !ok {
		t.Fatal("the patch is not plain")
	}
	p.free()
	if !reflect.ValueOf(p.metadata).IsZero() || len(p.names) != 0 || p.unseen != 0 {
		t.Errorf("it holds %+v", p)
	}
}

// The bounds were measured, and may be lowered, but not raised.
func TestAllocationsOfPatch(t *testing.T) {
	for body, most := range map[string]float64{minimal: 2, usual: 2, everyMember[0]: 12} {
		r := registering(t, []byte(body))()
		patch := []byte(`{"client_name":"patched","contacts":["ops@app.example"]}`)
		alloctest.AtMost(t, most, 500, func() {
			if err := r.PatchMetadata(Patcher{Step: "set_client_name"}, patch); err != nil {
				t.Fatal(err)
			}
		})
	}
}
