// Package registrar is what a registration script in Go calls: the host functions of registrar_v1, typed, and a small
// reader of JSON.
//
// A script is a program of package main whose exported functions are named as the steps that they replace:
//
//	//go:wasmexport add_client_id
//	func addClientID() int32 {
//		registrar.SetClientID("acme-" + registrar.RandomHex(16))
//		return registrar.Done
//	}
//
//	func main() {}
//
// It is built with Go 1.24 or later,
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o script.wasm .
//
// and copied into the project of each script, so that nothing has to be fetched. It uses neither reflection nor
// encoding/json, which would double a module's size, and nothing that TinyGo lacks.
//
// Functions that read or change the registration work inside a step. Elsewhere, as in an init function or the initial
// value of a variable, they end the script. A script that panics has failed: the client gets a 500, and nothing is stored.
package registrar

// What a step returns.
const (
	Done    int32 = 0 // what the script did counts
	Refused int32 = 1 // the registration is refused: as Refuse said, else as the base did
)

// The codes of a refusal. The host turns any other one into InvalidClientMetadata.
const (
	InvalidRedirectURI          = "invalid_redirect_uri"
	InvalidClientMetadata       = "invalid_client_metadata"
	InvalidSoftwareStatement    = "invalid_software_statement"
	UnapprovedSoftwareStatement = "unapproved_software_statement"
	InsufficientScope           = "insufficient_scope" // answers 403
)

// Base runs what this step replaced: the next script's step, or the built-in one. It returns Done or Refused, to be
// returned as it is or overruled. It may be called once in a step.
func Base() int32 { return callBase() }

// Refuse says why the registration is refused and returns Refused:
//
//	return registrar.Refuse(registrar.InvalidRedirectURI, "redirect_uris: only https is allowed here")
func Refuse(code, description string) int32 {
	refuse(code, description)
	return Refused
}

// How long a client secret lasts, besides a number of seconds.
const (
	DefaultLifetime int64 = 0  // what the server's operator chose
	NeverExpires    int64 = -1 // as long as the client
)

// SetClientID sets the client ID, in add_client_id: 1 to 255 visible ASCII characters. The script fails where it is called
// in another step or the ID may not be.
func SetClientID(id string) { setClientID(id) }

// SetClientSecret sets the client secret, in generate_secret and add_client_secret: 32 to 255 visible ASCII characters that
// nobody can guess. It expires in that many seconds, or as DefaultLifetime and NeverExpires say. The script fails where it
// is called in another step or the secret may not be.
func SetClientSecret(secret string, seconds int64) { setClientSecret(secret, seconds) }

// ClientExists tells whether a client ID is taken.
func ClientExists(id string) bool { return clientExists(id) != 0 }

// A PatchError is a patch that the host did not take. Why is in the script's log.
type PatchError struct{ Patch string }

// Error says so.
func (e *PatchError) Error() string { return "the host did not take the patch " + e.Patch }

// Patch changes the client's metadata by a JSON Merge Patch (RFC 7396), an object as in {"client_name":"App","logo_uri":null}.
// It returns a *[PatchError], and changes nothing, where that is no such patch or changes what a script may not.
func Patch(patch string) error {
	if patchClient(patch) != 0 {
		return &PatchError{patch}
	}
	return nil
}

// Set sets a member of the client's metadata to a string, as [Patch] does.
func Set(member, text string) error { return Patch("{" + Quote(member) + ":" + Quote(text) + "}") }

// SetStrings sets a member of the client's metadata to a list of strings, as [Patch] does.
func SetStrings(member string, list []string) error {
	return Patch("{" + Quote(member) + ":" + QuoteStrings(list) + "}")
}

// Remove takes a member out of the client's metadata, as [Patch] does.
func Remove(member string) error { return Patch("{" + Quote(member) + ":null}") }

// Item returns an item that a script, this or another one, set in this registration.
func Item(key string) (string, bool) { return read(itemSource(key)) }

// SetItem sets an item, for later steps of this registration to read: 64 of 4 KiB at most, their keys of 255 bytes.
func SetItem(key, value string) { setItem(key, value) }

// Now returns when the request arrived, in milliseconds since 1970. It stands still during a registration.
func Now() int64 { return now() }

// Random fills b with random bytes of the host. A registration has 4 KiB of them, all its scripts together, and a script
// that asks for more has failed.
func Random(b []byte) {
	if len(b) > 0 {
		randomBytes(b)
	}
}

// RandomHex returns n random bytes as 2n hexadecimal digits.
func RandomHex(n int) string {
	b := make([]byte, n)
	Random(b)
	return hex(b)
}

// hex is encoding/hex's EncodeToString without that package's dependencies.
func hex(b []byte) string {
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 2*len(b))
	for _, v := range b {
		text = append(text, digits[v>>4], digits[v&15])
	}
	return string(text)
}

// A Level is how grave a log line is.
type Level int32

// The levels.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// Log writes a line to the server's log. A registration has 32 lines of 4 KiB in all; more are dropped and counted.
func Log(level Level, line string) { logLine(int32(level), line) }
