// Package registrar is the SDK for registration scripts in Go: typed host functions of registrar_v1, and a small JSON
// reader.
//
// A script is a main package whose exported functions have the names of the steps that they replace:
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
// The SDK is copied into the project of each script, so that a build needs no network. It uses neither reflection nor
// encoding/json, which would double a module's size, and nothing that TinyGo lacks.
//
// Functions that read or change the registration work only inside a step. Elsewhere, such as in an init function or a
// variable's initial value, they end the script. A script that panics fails: the client gets a 500, nothing is stored,
// and the server's log shows what the panic says.
package registrar

// The results of a step.
const (
	Done    int32 = 0 // the script's changes are kept
	Refused int32 = 1 // the registration is refused, for the reason of Refuse or else of the base
)

// The codes of a refusal. The host replaces any other by InvalidClientMetadata.
const (
	InvalidRedirectURI          = "invalid_redirect_uri"
	InvalidClientMetadata       = "invalid_client_metadata"
	InvalidSoftwareStatement    = "invalid_software_statement"
	UnapprovedSoftwareStatement = "unapproved_software_statement"
	InvalidToken                = "invalid_token"      // 401 instead of 400: the caller needs another token
	InsufficientScope           = "insufficient_scope" // 403 instead of 400: the caller may not register this
)

// Base runs what this step replaced: the next script's step, or the built-in one. It returns Done or Refused, which the
// step may return or overrule. It may be called once in a step.
func Base() int32 { return callBase() }

// Refuse sets the reason of a refusal and returns Refused:
//
//	return registrar.Refuse(registrar.InvalidRedirectURI, "redirect_uris: only https is allowed here")
func Refuse(code, description string) int32 {
	refuse(code, description)
	return Refused
}

// Fail ends the script with a failure, for a reason that the server's log shows. Unlike a panic it needs no text of
// Go's runtime, and it works in an init function too. It does not return.
func Fail(reason string) {
	fail(reason)
	panic("registrar: fail returned")
}

// Lifetimes of a client secret, besides a number of seconds.
const (
	DefaultLifetime int64 = 0  // the server's --secret-lifetime
	NeverExpires    int64 = -1 // as long as the client
)

// SetClientID sets the client ID, in add_client_id: 1 to 255 visible ASCII characters. The script fails in any other
// step or if the ID is invalid.
func SetClientID(id string) { setClientID(id) }

// SetClientSecret sets the client secret, in generate_secret and add_client_secret: 32 to 255 visible ASCII characters,
// which must be unguessable. It expires after the given seconds; see also DefaultLifetime and NeverExpires. The script
// fails in any other step or if the secret is invalid.
func SetClientSecret(secret string, seconds int64) { setClientSecret(secret, seconds) }

// ClientExists reports whether a client ID is taken.
func ClientExists(id string) bool { return clientExists(id) != 0 }

// A PatchError reports a patch that the host rejected. The script's log has the reason.
type PatchError struct{ Patch string }

// Error quotes the patch.
func (e *PatchError) Error() string { return "the host did not take the patch " + e.Patch }

// Patch changes the client's metadata by a JSON Merge Patch (RFC 7396) such as {"client_name":"App","logo_uri":null}.
// It returns a *[PatchError] and changes nothing if the patch is invalid or changes members that scripts may not.
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

// Remove removes a member of the client's metadata, as [Patch] does.
func Remove(member string) error { return Patch("{" + Quote(member) + ":null}") }

// Item returns an item that this or another script set in this registration, and whether there is one.
func Item(key string) (string, bool) { return read(itemSource(key)) }

// SetItem sets an item for later steps of this registration: at most 64 of 4 KiB, with keys of at most 255 bytes.
func SetItem(key, value string) { setItem(key, value) }

// Now returns the arrival time of the request, in milliseconds since 1970. It is constant during a registration.
func Now() int64 { return now() }

// Random fills b with random bytes of the host. All scripts of a registration together may read 4 KiB; a script that
// reads more fails.
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

// hex is encoding/hex.EncodeToString without the dependencies of that package.
func hex(b []byte) string {
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 2*len(b))
	for _, v := range b {
		text = append(text, digits[v>>4], digits[v&15])
	}
	return string(text)
}

// A Level is the severity of a log line.
type Level int32

// The levels.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarn
	LevelError
)

// Log writes a line to the server's log. A registration may log 32 lines, 4 KiB in total; more are dropped and counted.
func Log(level Level, line string) { logLine(int32(level), line) }
