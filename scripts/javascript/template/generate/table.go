package main

// An imported is a function of registrar_v1 that the shim imports.
type imported struct {
	Name   string
	Result string // its type in C
	Params string // their types in C
}

// imports lists all functions of registrar_v1.
var imports = []imported{
	{"read_context", "int", "void *, unsigned"},
	{"read_request", "int", "void *, unsigned"},
	{"read_client", "int", "void *, unsigned"},
	{"read_statement", "int", "void *, unsigned"},
	{"read_caller", "int", "void *, unsigned"},
	{"read_config", "int", "void *, unsigned"},
	{"client_exists", "int", "const void *, unsigned"},
	{"patch_client", "int", "const void *, unsigned"},
	{"patch_request", "int", "const void *, unsigned"},
	{"set_client_id", "void", "const void *, unsigned"},
	{"set_client_secret", "void", "const void *, unsigned, long long"},
	{"get_item", "int", "const void *, unsigned, void *, unsigned"},
	{"set_item", "void", "const void *, unsigned, const void *, unsigned"},
	{"call_base", "int", "void"},
	{"refuse", "void", "const void *, unsigned, const void *, unsigned"},
	{"fail", "void", "const void *, unsigned"},
	{"log", "void", "int, const void *, unsigned"},
	{"random", "void", "void *, unsigned"},
	{"now", "long long", "void"},
}

// A member is a member of the object that a step gets.
type member struct {
	Name string // of the member; that of its function in the shim is js_ and the same name
	Uses string // the functions of registrar_v1 that it calls
	Args int    // the number of arguments, or valueMember or preludeMember
	Type string // in TypeScript, as a member of the interface Registrar
	Doc  string // a sentence or more
}

const (
	valueMember   = -1 // a value of the host, and no function; its one use is the function that reads it
	preludeMember = -2 // a function of prelude.js, of any number of arguments
)

// members lists the members in the order of registrar.d.ts.
var members = []member{
	{"request", "read_request", valueMember, "readonly request: ClientRequest",
		"The metadata as the client sent it, or as patchRequest() left it. Their types are checked, their values " +
			"are not: " +
			"the built-in steps do that. Read it again after base() and patchRequest()."},
	{"client", "read_client", valueMember, "readonly client: Client",
		"The client as built so far. Read it again after base() and patch(): values that were read before stay as they " +
			"were. It never holds a secret."},
	{"caller", "read_caller", valueMember, "readonly caller: Caller",
		"Who registers the client. On an update, who registered it, with the `auth` of the update."},
	{"config", "read_config", valueMember, "readonly config: Config",
		"The script's `config` of the deployment, {} where it has none."},
	{"context", "read_context", valueMember, "readonly context: Context",
		"The operation, the step and the mode."},
	{"statement", "read_statement", valueMember, "readonly statement: JSONObject | null",
		"The verified claims of the software statement (RFC 7591 §2.3); null where there is none."},

	{"refuse", "refuse", 2, "refuse(code: RefusalCode, description: string): never",
		"Refuses the registration, and throws. Catching that changes nothing: the step has refused. The client sees " +
			"the " +
			"description; characters that RFC 6749 forbids in it are replaced, and it is cut at 1,000 bytes."},
	{"base", "call_base", 0, "base(): void",
		"Runs what this step replaced. Where that refuses, base throws, and the refusal stands. At most once in a " +
			"step, " +
			"tryBase included."},
	{"tryBase", "call_base", 0, "tryBase(): boolean",
		"Runs what this step replaced, and returns false where that refused. The refusal is then overruled, unless the " +
			"step refuses too."},
	{"patch", "patch_client", 1, "patch(patch: Patch): void",
		"Applies a JSON Merge Patch (RFC 7396) to the client's metadata; null removes a member. It throws where the " +
			"patch is not allowed, which changes nothing; the log has the reason."},
	{"patchRequest", "patch_request", 1, "patchRequest(patch: Patch): void",
		"Applies a JSON Merge Patch (RFC 7396) to the request, as the built-in steps that have not begun will read it: " +
			"in an earlier step, or before base(). It throws where the patch is not allowed, which changes nothing; " +
			"the " +
			"log has the reason."},
	{"setClientId", "set_client_id", 1, "setClientId(id: string): void",
		"Sets the client ID, in add_client_id: 1 to 255 visible ASCII characters."},
	{"setClientSecret", "set_client_secret", 2, "setClientSecret(secret: string, expiresIn?: number): void",
		"Sets the client secret, in generate_secret and add_client_secret: 32 to 255 visible ASCII characters, " +
			"which must " +
			"be unguessable. It expires after so many seconds, at most a hundred years; 0, the default, means the " +
			"server's lifetime, -1 never."},
	{"clientExists", "client_exists", 1, "clientExists(id: string): boolean",
		"Reports whether a client ID is taken. An ID has at most 255 bytes."},
	{"getItem", "get_item", 1, "getItem(key: string): string | null",
		"Returns an item that a script set in this registration; null where there is none."},
	{"setItem", "set_item", 2, "setItem(key: string, value: string): void",
		"Sets an item for later steps of this registration: at most 64 of 4 KiB, with keys of at most 255 bytes."},
	{"now", "now", 0, "now(): number",
		"Returns when the request arrived, in milliseconds since 1970, as Date.now does. It stands still."},
	{"random", "random", 1, "random(bytes: number): Uint8Array",
		"Returns random bytes. All scripts of a registration together may draw 4 KiB. Math.random draws 8 bytes."},
	{"randomHex", "random", 1, "randomHex(bytes: number): string",
		"Returns random bytes, 256 at most, as hexadecimal digits, two for each."},
	{"randomText", "random", 2, "randomText(alphabet: string, length: number): string",
		"Returns characters of an alphabet, each of them equally likely: for a secret of 256 bits, 43 letters and " +
			"digits. " +
			"An alphabet has 2 to 128 different ASCII characters; the length is 0 to 4096. It draws a byte for each " +
			"character, and some more where 256 is no multiple of the alphabet's size."},
	{"crc32", "", 1, "crc32(text: string): number",
		"Returns the checksum of a text in UTF-8, as zip, PNG and Ethernet have it (IEEE 802.3)."},
	{"encodeBase62", "", 1, "encodeBase62(n: number): string",
		"Returns a number, 0 to 4294967295, as six digits of 0-9, A-Z and a-z, the most significant one first: " +
			"\"000000\" " +
			"to \"4gfFC3\"."},
	{"parseURI", "", 1, "parseURI(uri: string): URIParts | null",
		"Takes an absolute URI apart (RFC 3986 §3); null for any other text, and for one that programs read in " +
			"different " +
			"ways, so that a rule about hosts sees the host that a browser connects to. Do not search the text itself."},
	{"tagged", "", 2, "tagged(object: object, member: string): TaggedValue[]",
		"Returns all forms of a member in the languages of an object (RFC 7591 §2.2), the one without a tag first. " +
			"Those " +
			"that are null are left out. A policy about what users read, such as client_name, must look at all of them."},
	{"required", "", preludeMember, "required(name: string, ...inside: string[]): RequiredMember",
		"Returns a member of the config that must be there, or throws. Further names lead into objects."},
}
