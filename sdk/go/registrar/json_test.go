package registrar

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

const document = ` { "client_name" : "App \"é\" \u00e9\ud83d\ude00 \\ \/ \n" , ` +
	`"redirect\u005furis":["https://a.example/cb", "https:\/\/b.example\/cb" ],
	"jwks":{"keys":[{"kty":"EC","client_name":"inner"}],"empty":{}},"default_max_age":-60,"big":1.5,
	"yes":true,"no":false,"nothing":null,"brace":"}],{\"","list":[],"last":{"a":[1,[2,{"b":"]"}],"x"]}} `

func TestGet(t *testing.T) {
	v := Value(document)
	for _, tt := range []struct {
		name string
		got  any
		want any
	}{
		{"a text", v.Get("client_name").Text(), "App \"é\" é😀 \\ / \n"},
		{"a name with an escape", v.Get("redirect_uris").Strings(),
			[]string{"https://a.example/cb", "https://b.example/cb"}},
		{"an inner member", v.Get("jwks", "keys").List()[0].Get("kty").Text(), "EC"},
		{"the name of an inner member", v.Get("kty").IsSet(), false},
		{"through a string", v.Get("client_name", "x").IsSet(), false},
		{"raw", string(v.Get("jwks", "empty")), "{}"},
		{"null", v.Get("nothing").IsSet(), false},
		{"the text of null", string(v.Get("nothing")), "null"},
		{"absent", string(v.Get("absent")), ""},
		{"true", v.Get("yes").Bool(), true},
		{"false", v.Get("no").Bool(), false},
		{"brackets in a text", v.Get("brace").Text(), `}],{"`},
		{"an empty list", v.Get("list").List(), []Value(nil)},
		{"elements", v.Get("last", "a").List(), []Value{"1", `[2,{"b":"]"}]`, `"x"`}},
		{"elements that are not strings", v.Get("last", "a").Strings(), []string{"", "", "x"}},
		{"the text of a list", v.Get("list").Text(), ""},
		{"the list of a text", v.Get("brace").List(), []Value(nil)},
		{"the members of a list", v.Get("list").Members(), []Member(nil)},
		{"members", v.Get("jwks", "keys").List()[0].Members(), []Member{{"kty", `"EC"`}, {"client_name", `"inner"`}}},
		{"half a surrogate pair", Value(`"\ud83dx"`).Text(), "\ufffdx"},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: got %#v, want %#v", tt.name, tt.got, tt.want)
		}
	}
	if n, ok := v.Get("default_max_age").Int(); n != -60 || !ok {
		t.Errorf("got %d, %t, want -60", n, ok)
	}
	for _, name := range []string{"big", "client_name", "absent", "jwks"} {
		if n, ok := v.Get(name).Int(); ok {
			t.Errorf("%s is the number %d", name, n)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, text := range []string{"", "plain", "\"\\/\x00\x1f\n\t", "é😀\u2028<&>", "bad\xff"} {
		var got string
		if err := json.Unmarshal([]byte(Quote(text)), &got); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		want := string([]rune(text)) // invalid UTF-8 becomes U+FFFD
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := Value(Quote(text)).Text(); got != want {
			t.Errorf("read back: got %q, want %q", got, want)
		}
	}
	if got := QuoteStrings([]string{"a", `b"`}) + QuoteStrings(nil); got != `["a","b\""][]` {
		t.Errorf("got %s", got)
	}
}

// The reader agrees with encoding/json on JSON, and neither panics nor hangs on other text.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{document, `{}`, `[}`, `[:`, `{:1`, `{"a"`, `{"a":`, `["\`, `"\u12`, `{]`, `[,,]`,
		`nul`, ` `, `[[[[`, `"\ud83d\ude00\ud83d"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		done := time.AfterFunc(10*time.Second, func() { panic("it hangs: " + text) })
		defer done.Stop()
		v := Value(text)
		v.Get("a", "b")
		members, list := v.Members(), v.List()
		v.Int()
		v.Text()
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &object) == nil && object != nil {
			if len(members) < len(object) {
				t.Errorf("%d members of %d", len(members), len(object))
			}
		}
		var elements []json.RawMessage
		if json.Unmarshal([]byte(text), &elements) == nil && len(list) != len(elements) {
			t.Errorf("%d elements of %d", len(list), len(elements))
		}
		var want string
		if json.Unmarshal([]byte(text), &want) == nil && text[0] == '"' && json.Valid([]byte(text)) {
			if got := v.Text(); string([]rune(got)) != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}
