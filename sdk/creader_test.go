package sdk_test

import (
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"registrar/scripts/javascript"
)

// compileC compiles a C program for the test, as the Makefile does.
func compileC(t *testing.T, source string, flags ...string) []byte {
	t.Helper()
	module := filepath.Join(t.TempDir(), "c.wasm")
	args := append(flags, "--target=wasm32", "-std=c11", "-ffreestanding", "-nostdlib", "-Oz", "-Wall", "-Wextra",
		"-Werror", "-Wl,--no-entry,--strip-all,-z,stack-size=8192", "-o", module, source)
	out, err := exec.Command("clang", args...).CombinedOutput()
	if _, missing := exec.LookPath("clang"); missing != nil && os.Getenv("CI") == "" {
		t.Skip(missing)
	}
	if err != nil {
		t.Fatalf("clang: %v\n%s", err, out)
	}
	b, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReaderInC(t *testing.T) {
	values := []struct{ value, want string }{
		{`"plain"`, "plain|7|false|true"},
		{`"\"\\\/\u00e9\ud83d\ude00x"`, `"\/é😀x|7|false|true`},
		{`""`, "|7|false|true"},
		{`0`, "|0|false|true"},
		{`-60`, "|-60|false|true"},
		{`9223372036854775807`, "|9223372036854775807|false|true"},
		{`9223372036854775808`, "|7|false|true"},
		{`-9223372036854775808`, "|-9223372036854775808|false|true"},
		{`-9223372036854775809`, "|7|false|true"},
		{`99999999999999999999`, "|7|false|true"},
		{`1.5`, "|7|false|true"},
		{`1e3`, "|7|false|true"},
		{`true`, "|7|true|true"},
		{`false`, "|7|false|true"},
		{`null`, "|7|false|false"},
		{` [ 1 , "]" ] `, "|7|false|true"},
		{`{"a":"}"}`, "|7|false|true"},
	}
	// The number of elements, and the member c of the member a"b.
	texts := []struct{ text, want string }{
		{"plain \"\\/\x01\x1f\n é😀", "0|none"},
		{`[1,"]",[2,[3]],{"a":[]}, null ]`, "5|none"},
		{` { "x" : {"a\"b":{"c":1}}, "a\u0022\u0062" : {"b":2,"c":[ 3 ]} } `, "0|[ 3 ]"},
		{`{"a\"b":{"c":"x"}}`, `0|"x"`},
		{`{"a\"b":["c",1]}`, "0|none"},
		{`[}`, "0|none"},
		{`[[[[[`, "1|none"},
		{`["\`, "1|none"},
		{`{"a\"b"`, "0|none"},
		{`{:1`, "0|none"},
		{`"\u12`, "0|none"},
		{``, "0|none"},
		{`["` + strings.Repeat("x", 600) + `",2]`, "2|none"},
	}
	var raw, list []string
	var want []line
	for _, v := range values {
		raw = append(raw, v.value)
		want = append(want, line{"INFO", "set_client_name", v.want})
	}
	for _, v := range texts {
		list = append(list, v.text)
		want = append(want, line{"DEBUG", "set_client_name", v.want})
	}
	want = append(want, line{"WARN", "set_client_name", "true|false"})
	quoted, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	config := jsontext.Value(`{"texts":` + string(quoted) + `,"scope":"a  b c","values":[` + strings.Join(raw, " , ") +
		`]}`)

	k := newKit(t, compileC(t, "c/testdata/reader.c"))
	got := k.registerConfigs(usual, config)
	got.done(t)
	if diff := cmp.Diff(want, got.lines, cmp.AllowUnexported(line{})); diff != "" {
		t.Error(diff)
	}
	for i, v := range texts {
		var text string
		if err := json.Unmarshal([]byte(got.registration.Items[strconv.Itoa(i)]), &text); err != nil || text != v.text {
			t.Errorf("quoted and read back: got %q, %v, want %q", text, err, v.text)
		}
	}
	if name := got.registration.Client.Metadata.ClientName; name != "a \"name\"\\" {
		t.Errorf("client_name %q", name)
	}
}

// The secret of the example has the checksum of what is before it.
func TestSecretWithChecksum(t *testing.T) {
	t.Run("C", func(t *testing.T) {
		testSecretWithChecksum(t, compileC(t, "c/examples/secret-with-checksum/main.c", "-Ic"))
	})
	t.Run("TypeScript", func(t *testing.T) {
		const path = "typescript/examples/secret-with-checksum/secret-with-checksum.ts"
		module, err := javascript.PackFile(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		testSecretWithChecksum(t, module)
	})
}

func testSecretWithChecksum(t *testing.T, module []byte) {
	t.Helper()
	k := newKit(t, module)
	got := k.registerConfigs(usual, jsontext.Value(`{"prefix":"acme_"}`))
	got.done(t)
	secret := got.registration.Secret.Reveal()
	if !strings.HasPrefix(secret, "acme_") || len(secret) != 5+43+6 {
		t.Fatalf("a secret of %d bytes", len(secret))
	}
	text, digits := secret[:48], secret[48:]
	var sum uint64
	for _, digit := range digits {
		sum = sum*62 + uint64(strings.IndexRune(base62, digit))
	}
	if want := uint64(crc32.ChecksumIEEE([]byte(text))); sum != want {
		t.Errorf("the checksum is %d, want %d", sum, want)
	}
}
