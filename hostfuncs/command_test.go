package hostfuncs

import (
	"math"
	"strings"
	"testing"

	"registrar/engine"
)

// newProgram returns a guest that runs as a program.
func newProgram(t *testing.T, step string) *guest {
	t.Helper()
	g := newGuest(t, step)
	g.call.Registration.Items = map[string]string{"k": "v"}
	g.call.Config = []byte(`{"a":1}`)
	g.call.Registration.Statement = []byte(`{"iss":"a"}`)
	command, fuel, err := g.call.NewCommand()
	if err != nil {
		t.Fatal(err)
	}
	want := commandFuel + commandInput*int64(len(command.input)) +
		metadataByte*int64(g.call.Registration.MetadataSize()+g.call.Registration.RequestSize())
	if fuel != want {
		t.Errorf("it costs %d, want %d", fuel, want)
	}
	g.call.Command = command
	return g
}

func TestProgramArguments(t *testing.T) {
	g := newProgram(t, "set_scopes")
	g.must(errnoSuccess, "args_sizes_get", 512, 516)
	count, _ := g.m.ReadUint32Le(512)
	size, _ := g.m.ReadUint32Le(516)
	if count != 2 || size != uint32(len("test\x00set_scopes\x00")) {
		t.Errorf("got %d arguments of %d bytes, want test and set_scopes", count, size)
	}
	g.must(errnoSuccess, "args_get", 512, 1024)
	first, _ := g.m.ReadUint32Le(512)
	second, _ := g.m.ReadUint32Le(516)
	if got := g.read(1024, size); got != "test\x00set_scopes\x00" || first != 1024 || second != 1029 {
		t.Errorf("got %q at %d and %d, want test and set_scopes at 1024 and 1029", got, first, second)
	}
	for _, at := range [][2]uint64{{uint64(g.m.Size()), 0}, {0, uint64(g.m.Size()) - 1}, {math.MaxUint32, 0}} {
		g.must(errnoFAULT, "args_get", at[0], at[1])
		g.must(errnoFAULT, "args_sizes_get", uint64(g.m.Size())-3, at[1])
	}
}

func TestProgramInput(t *testing.T) {
	g := newProgram(t, "set_scopes")
	var charged int64
	g.call.Meter = charges{&charged}
	var got strings.Builder
	for {
		// Two buffers, of 7 and 100 bytes.
		for at, v := range map[uint32]uint32{256: 1024, 260: 7, 264: 2048, 268: 100} {
			g.m.WriteUint32Le(at, v)
		}
		g.must(errnoSuccess, "fd_read", 0, 256, 2, 512)
		n, _ := g.m.ReadUint32Le(512)
		got.WriteString(g.read(1024, min(n, 7)) + g.read(2048, max(n, 7)-7))
		if n == 0 {
			break
		}
	}
	client, err := g.call.Registration.Client.Document()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"context":{"operation":"register","step":"set_scopes","mode":"enforce"},` +
		`"request":{"redirect_uris":["https://app.example/cb"],"x":1},` +
		`"client":` + string(client) +
		`,"statement":{"iss":"a"},"caller":{"auth":"none"},"config":{"a":1},"items":{"k":"v"}}`
	if got.String() != want {
		t.Errorf("got  %s\nwant %s", got.String(), want)
	}
	if charged == 0 || charged > int64(len(want)/16) {
		t.Errorf("reading %d bytes costs %d", len(want), charged)
	}
	g.must(errnoBADF, "fd_read", 1, 256, 2, 512)
	g.must(errnoINVAL, "fd_read", 0, 256, maxVectors+1, 512)
	g.must(errnoFAULT, "fd_read", 0, uint64(g.m.Size()), 1, 512)
	g.m.WriteUint32Le(256, g.m.Size())
	g.m.WriteUint32Le(260, 1)
	g.must(errnoFAULT, "fd_read", 0, 256, 1, 512)
	for name, errno := range map[string]int64{"fd_close": errnoSuccess, "fd_fdstat_get": errnoSuccess,
		"fd_seek": errnoSPIPE, "fd_prestat_get": errnoBADF} {
		g.must(errno, name, 0, 600)
		g.must(errnoBADF, name, 3, 600)
	}
	g.must(errnoBADF, "fd_write", 0, 256, 1, 512)
}

func TestProgramOutput(t *testing.T) {
	g := newProgram(t, "set_scopes")
	var charged int64
	g.call.Meter = charges{&charged}
	write := func(fd uint64, n uint32) error {
		g.m.WriteUint32Le(256, 0)
		g.m.WriteUint32Le(260, n)
		_, err := g.run("fd_write", fd, 256, 1, 512)
		return err
	}
	for range MaxValue / (32 << 10) {
		if err := write(1, 32<<10); err != nil {
			t.Fatal(err)
		}
	}
	if charged != commandOutput*MaxValue || len(g.call.Command.output) != MaxValue {
		t.Errorf("%d bytes cost %d, want %d bytes for %d", len(g.call.Command.output), charged, MaxValue,
			commandOutput*MaxValue)
	}
	if err := write(1, 1); err == nil || !strings.Contains(err.Error(), "standard output has more than 131072 bytes") {
		t.Errorf("one byte more: got %v, want a trap", err)
	}
	g.write(0, "line\n")
	if err := write(2, 5); err != nil {
		t.Fatal(err)
	}
	if lines := g.call.Log.Lines(); len(lines) != 1 || lines[0].Text != "line" || lines[0].Level != LevelWarn {
		t.Errorf("got the log %+v, want the line at warn", lines)
	}
}

func TestProgramAnswers(t *testing.T) {
	secret := strings.Repeat("s", 32)
	for _, tt := range []struct{ step, output, wrong string }{
		{"set_scopes", `{}`, ""},
		{"set_scopes", ` {"patch":{"scope":"a"},"items":{"a":"b"}} ` + "\n", ""},
		{engine.StepAddClientID, `{"client_id":"mine"}`, ""},
		{engine.StepGenerateSecret, `{"client_secret":"` + secret + `"}`, ""},
		{engine.StepAddClientSecret, `{"client_secret":"` + secret + `"}`, ""},
		{"set_scopes", ``, "it must be a JSON object"},
		{"set_scopes", `[]`, "it must be a JSON object"},
		{"set_scopes", `{}{}`, "not valid JSON at byte 2"},
		{"set_scopes", `{"patch":{},"patch":{}}`, "not valid JSON at byte"},
		{"set_scopes", `{"` + secret + `":1}`, "and no other member"},
		{"set_scopes", `{"patch":[]}`, "patch: the patch is not a strict JSON object"},
		{"set_scopes", `{"patch_request":{}}`, ""},
		{"set_scopes", `{"patch_request":null}`, "patch_request: the patch is not a strict JSON object"},
		{"set_scopes", `{"patch_request":{"client_id":"x"}}`, "patch_request: the patch touches client_id"},
		{"set_scopes", `{"client_id":1}`, "client_id has a wrong type"},
		{"set_scopes", `{"refuse":{"code":""}}`, "refuse has a wrong type or an unknown member"},
		{"set_scopes", `{"client_id":"mine"}`, "client_id: it may be set only in add_client_id"},
		{engine.StepAddClientID, `{"client_id":""}`, "client_id: the client ID has 0 characters"},
		{engine.StepAddClientID, `{"client_secret":"` + secret + `"}`,
			"client_secret: it may be set only in generate_secret and add_client_secret"},
		{engine.StepGenerateSecret, `{"client_secret":"sssss"}`, "client_secret: the client secret has 5 characters"},
		{"set_scopes", `{"items":{"a":"` + strings.Repeat("x", MaxItem+1) + `"}}`, "items: a key may have"},
		{"set_scopes", `{"items":{"` + strings.Repeat("x", MaxKey+1) + `":""}}`, "items: a key may have"},
		{"set_scopes", `{"items":{"` + items(MaxItems) + `":""}}`, "items: there are 65"},
		{"set_scopes", `{"refuse":{}}`, "a program that refuses exits with 1"},
	} {
		g := newProgram(t, tt.step)
		g.call.Command.output = []byte(tt.output)
		err := g.call.Done()
		if tt.wrong == "" && err != nil || tt.wrong != "" &&
			(err == nil || !strings.Contains(err.Error(), tt.wrong) || strings.Contains(err.Error(), "sssss")) {
			t.Errorf("%s, %.80s: got %v, want %q", tt.step, tt.output, err, tt.wrong)
		}
		if strings.Contains(tt.output, secret+`"}`) {
			g.call.log(LevelInfo, []byte(secret))
			if got := g.call.Log.Lines()[0].Text; got != "[redacted]" {
				t.Errorf("the log shows %q, want [redacted]", got)
			}
		}
	}
}

// items returns n keys of items as JSON, without the first and the last quotation mark.
func items(n int) string {
	var names []string
	for i := range n {
		names = append(names, strings.Repeat("i", i+1))
	}
	return strings.Join(names, `":"","`)
}

func TestProgramRefuses(t *testing.T) {
	for output, want := range map[string]*engine.Error{
		"": engine.Refuse(""),
		`{"refuse":{"error":"invalid_redirect_uri","error_description":"no"},` +
			`"client_id":"early"}`: engine.RefuseAs(engine.InvalidRedirectURI, "no"),
		`{"refuse":{"error":"mine"}}`: engine.Refuse(""),
		`{}`:                          engine.Refuse(""),
	} {
		g := newProgram(t, "set_scopes")
		g.call.Command.output = []byte(output)
		if err := g.call.Refused(); err != nil || *g.call.Refusal() != *want {
			t.Errorf("%s: got %v, %v; want %v", output, g.call.Refusal(), err, want)
		}
	}
	g := newProgram(t, "set_scopes")
	g.call.Command.output = []byte("panic: no")
	if err := g.call.Refused(); err == nil {
		t.Error("an output that is not JSON: got no error")
	}
}
