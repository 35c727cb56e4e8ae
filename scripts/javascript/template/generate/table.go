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
	Args int    // the number of arguments, valueMember for a value that the host has
	Type string // in TypeScript, as a member of the interface Registrar
	Doc  string // a sentence or more
}

// valueMember marks a member that is a value of the host, and no function. Its one use is the function that reads it.
const valueMember = -1

// members lists the members in the order of registrar.d.ts.
var members = []member{
	{"request", "read_request", valueMember, "readonly request: ClientRequest",
		"The metadata as the client sent it. Their types are checked, their values are not: the built-in steps do that."},
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
		"Refuses the registration, and throws. Catching that changes nothing: the step has refused. The client sees the " +
			"description; characters that RFC 6749 forbids in it are replaced, and it is cut at 1,000 bytes."},
	{"base", "call_base", 0, "base(): void",
		"Runs what this step replaced. Where that refuses, base throws, and the refusal stands. At most once in a step, " +
			"tryBase included."},
	{"tryBase", "call_base", 0, "tryBase(): boolean",
		"Runs what this step replaced, and returns false where that refused. The refusal is then overruled, unless the " +
			"step refuses too."},
	{"patch", "patch_client", 1, "patch(patch: Patch): void",
		"Applies a JSON Merge Patch (RFC 7396) to the client's metadata; null removes a member. It throws where the " +
			"patch is not allowed, which changes nothing; the log has the reason."},
	{"setClientId", "set_client_id", 1, "setClientId(id: string): void",
		"Sets the client ID, in add_client_id: 1 to 255 visible ASCII characters."},
	{"setClientSecret", "set_client_secret", 2, "setClientSecret(secret: string, expiresIn?: number): void",
		"Sets the client secret, in generate_secret and add_client_secret: 32 to 255 visible ASCII characters, which must " +
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
	{"parseURI", "", 1, "parseURI(uri: string): URIParts | null",
		"Splits an absolute URI by RFC 3986 §3; null for any other text. Do not search the text itself for a host."},
}
