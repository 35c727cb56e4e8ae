package engine

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The metadata and the caller are written as package json writes them, which reads the fields and their tags.
func TestEncodingIsThatOfTheFields(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		var m Metadata
		fields := reflect.ValueOf(&m).Elem()
		for i := range fields.NumField() {
			if random.IntN(3) == 0 {
				setRandomly(t, random, fields.Field(i))
			}
		}
		checkEncodings(t, fmt.Sprint("seed ", seed), &m)
	}
}

// Every field that is set is written, and none that is not.
func TestEncodingHasEveryField(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	checkEncodings(t, "no field", &Metadata{})
	for f := range reflect.TypeFor[Metadata]().Fields() {
		var m Metadata
		field := reflect.ValueOf(&m).Elem().FieldByIndex(f.Index)
		for field.IsZero() {
			setRandomly(t, random, field)
		}
		checkEncodings(t, f.Name, &m)
	}
}

// A member that has a field must not be among the others too: the object would have it twice.
func TestEncodingRefusesMembersTwice(t *testing.T) {
	t.Parallel()
	for _, m := range []Metadata{
		{Other: map[string]jsontext.Value{"redirect_uris": jsontext.Value(`[]`)}},
		{ClientName: "a", Other: map[string]jsontext.Value{"client_name": jsontext.Value(`"b"`)}},
		{Other: map[string]jsontext.Value{"client_name": jsontext.Value(`"b"`)}},
		{Other: map[string]jsontext.Value{"client_id": jsontext.Value(`"b"`)}},
		{Other: map[string]jsontext.Value{"a": jsontext.Value(`{"b":1,"b":2}`)}},
		{Other: map[string]jsontext.Value{"a": {}}},
		{Other: map[string]jsontext.Value{"a": jsontext.Value(`1 2`)}},
		{JWKS: jsontext.Value{}},
		{JWKS: jsontext.Value(`{"keys":[`)},
		{JWKS: jsontext.Value(`["` + "\xff" + `"]`)},
	} {
		checkEncodings(t, fmt.Sprintf("%+v", m), &m)
	}
}

// A caller is written as package json writes it.
func TestEncodingOfCallers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 3))
		var c Caller
		fields := reflect.ValueOf(&c).Elem()
		for i := range fields.NumField() {
			if random.IntN(2) == 0 {
				setRandomly(t, random, fields.Field(i))
			}
		}
		want, err := json.Marshal(&c, json.Deterministic(true), json.FormatNilSliceAsNull(true),
			jsontext.PreserveRawStrings(true))
		checkEncoding(t, fmt.Sprint("seed ", seed), func() (jsontext.Value, error) {
			got, err := c.Encoded()
			return jsontext.Value(got), err
		}, want, err)
	}
}

// checkEncodings compares what is written with what package json writes. An error of one must be an error of the other.
func checkEncodings(t *testing.T, name string, m *Metadata) {
	t.Helper()
	stored, err := json.Marshal(m, json.Deterministic(true), json.FormatNilSliceAsNull(true),
		jsontext.PreserveRawStrings(true))
	checkEncoding(t, name+", stored", func() (jsontext.Value, error) { return m.encode() }, stored, err)
	for _, id := range []string{"", "an \"id\""} {
		read, err := json.Marshal(&struct {
			ClientID string `json:"client_id,omitzero"`
			*Metadata
		}{id, m}, json.Deterministic(true))
		checkEncoding(t, name+", read", func() (jsontext.Value, error) { return m.document(id) }, read, err)
	}
}

func checkEncoding(
	t *testing.T, name string, encode func() (jsontext.Value, error), want jsontext.Value, wantErr error,
) {
	t.Helper()
	got, err := encode()
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%s: got the error %v, package json has %v", name, err, wantErr)
	}
	if err == nil && string(got) != string(want) {
		t.Fatalf("%s: got %s\nwant %s", name, got, want)
	}
}

// randomTexts are strings that a writer of JSON may treat differently.
var randomTexts = [...]string{
	"", "a", "https://app.example/cb?a=1&b=<>#f", `"quoted" \ back`, "tab\tline\nreturn\rbell\a", "\x00\x1f\x7f\u0080",
	"line\u2028paragraph\u2029", "größe 大きさ 𝒜", "\u202eright to left", "\ufffd", strings.Repeat("long/ü", 300),
}

// rareTexts are not valid UTF-8.
var rareTexts = [...]string{"\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80"}

// randomValues are raw values.
var randomValues = [...]string{
	`null`, ` true `, `-0`, `1e400`, `12345678901234567890.50`, `"\u0061\/\u00e9\ud83d\ude00"`, `"ü\u2028<&>"`,
	"{ \"keys\" :\n[ { \"kty\":\"EC\", \"x\\u0061\" : \"\\u003c\" } , [] ] }", `{"b":1,"a":{"c":[{}]}}`, `[]`, `""`,
}

// randomNames are names of members without a field.
var randomNames = [...]string{
	"client_name#ja", "client_name#de-CH", "logo_uri#fr", "tier", "Tier", "größe", "a\"b\\c", "\u2028", "x<y>&z", "\n", "",
}

var randomAddresses = [...]string{"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "fe80::1%\"\\", "::"}

func randomText(random *rand.Rand) string {
	if random.IntN(300) == 0 {
		return rareTexts[random.IntN(len(rareTexts))]
	}
	return randomTexts[random.IntN(len(randomTexts))]
}

// setRandomly sets a field to a random value of its type.
func setRandomly(t *testing.T, random *rand.Rand, field reflect.Value) {
	t.Helper()
	switch v := field.Addr().Interface().(type) {
	case *string:
		*v = randomText(random)
	case *Auth:
		*v = Auth(randomText(random))
	case *netip.Addr:
		*v = netip.MustParseAddr(randomAddresses[random.IntN(len(randomAddresses))])
	case *[]string:
		*v = make([]string, random.IntN(4)*random.IntN(20))
		for i := range *v {
			(*v)[i] = randomText(random)
		}
	case **int64:
		*v = new(int64(random.Uint64()))
	case **bool:
		*v = new(random.IntN(2) == 0)
	case *jsontext.Value:
		*v = jsontext.Value(randomValues[random.IntN(len(randomValues))])
	case *map[string]jsontext.Value:
		*v = make(map[string]jsontext.Value)
		for range random.IntN(6) {
			(*v)[randomNames[random.IntN(len(randomNames))]] = jsontext.Value(randomValues[random.IntN(len(randomValues))])
		}
		if random.IntN(100) == 0 {
			(*v)["without a value"] = nil
		}
	default:
		t.Fatalf("no random value for a %s", field.Type())
	}
}
