package cli

import (
	"cmp"
	"strings"

	"github.com/alecthomas/kong"
)

// help holds the help of flags and commands whose struct tags would be longer than a line. The help of a tag is the key
// of its text, as in ${listen}. In a text, ${default} is the default of the flag, and $$ is a dollar sign.
var help = map[string]string{
	"admin_issuer": "Issuers whose JWT access tokens the admin API accepts, each with its keys: an https URL or a " +
		"file.",
	"admin_audience": "Audiences of which these tokens must have one (aud). Required with --admin-issuer.",
	"admin_role_claim": "Claim of these tokens that holds what --admin-role names: a string or a list. Default " +
		"${default}.",
	"admin_role": "What a value of the claim means: admin, scripts, clients, tokens, lookup or read. Other values " +
		"mean nothing. Required with --admin-issuer.",
	"admin_cert_role": "Roles of client certificates of --admin-client-ca, by subject, such as " +
		"CN=ops,O=Example=admin. They need no token. A list in a variable has semicolons.",

	"admin_token_file": "File of the admin token, at least 32 characters; or set $$REGISTRAR_ADMIN_TOKEN. With " +
		"neither, the server's first start creates one in registrar.token, beside its SQLite database, else in " +
		"$$STATE_DIRECTORY, else in the working directory; commands look for it in $$STATE_DIRECTORY and in the " +
		"working directory.",

	"admin_token_reset_command": "Create an admin token in the database, for operators who lost theirs. It is shown " +
		"once.",

	"admin_token_create_label": "Who or what uses the token. The log names it so; no other token may have it.",
	"admin_token_create_role": "What the token may do: admin, scripts, clients, tokens, lookup or read. Several are " +
		"allowed.",
	"admin_token_create_expires_in": "How long the token is valid; 0 means forever. Default ${default}.",

	"admin_token_revoke_force": "Revoke it even if it is the last one with the role admin. Only admin-token reset " +
		"makes another one then.",

	"admin_token_reset_expires_in": "How long the token is valid; 0 means forever. Default ${default}.",
	"admin_token_reset_revoke_others": "Revoke all other tokens with the role admin, because someone else may have " +
		"them.",

	"config": "YAML file with a member per flag. Flags and environment variables override it.",
	"check":  "Report what serve would run, what would be open to whom, and what is missing.",
	"health": "Check the health of a running server, which is found by its own configuration.",

	"client_reissue_token_command": "Give a client a new registration access token. It is shown once.",

	"kind": "Clients of this kind: registered, document for those with a metadata document, or any. " +
		"Default ${default}.",
	"status": "Clients of this status: active, disabled or any. Default ${default}.",
	"registered_after": "Clients registered at this time or later: 2026-01-31, 2026-01-31T12:00:00Z, or 90d for as " +
		"long ago.",

	"reason": "Why, for other administrators: kept with the client, at most 500 characters.",

	"client_secret_file": "File of the client secret, 32 to 255 characters; - is standard input.",

	"client_create_file": "File of the client's metadata, a JSON object as a client sends it; - is standard input.",
	"client_create_client_id": "ID of the client, 1 to 255 visible ASCII characters. Needs the role admin, as " +
		"--client-secret-file. Without it, the server makes one.",

	"client_update_file": "File of a JSON object with the members to change, null for the default (RFC 7396); - is " +
		"standard input.",

	"client_rotate_secret_grace": "How long the old secret stays valid; 0 ends it at once. Default ${default}.",

	"client_verify_secret_client_secret_file": "File of the client secret; - is standard input. Default ${default}.",

	"discovery_document": "Metadata of the authorization server (RFC 8414). It is published with " +
		"registration_endpoint set and bounds what may be registered. Default none.",
	"discovery_upstream": "URL of such metadata; https unless loopback. It is fetched every 5 minutes and merged " +
		"with the document, whose members win.",
	"trusted_issuer": "Issuers whose software statements are accepted, each with its keys: a URL, https unless " +
		"loopback, or a file. Default none.",
	"accept_jwt_bodies": "Accept a software statement as the whole body of a registration (application/jwt).",
	"metadata_documents": "Let the authorization server resolve clients named by the URL of their metadata, through " +
		"the admin API.",
	"document_cache": "How long a document that a client names is kept, at least and at most, whatever its headers " +
		"say (RFC 9111). Default ${default}.",
	"document_size": "Size of a metadata document, at most 64KiB. Default ${default}.",
	"allow_loopback_documents": "For development: fetch documents from this machine too, by https. Only with a " +
		"public URL on loopback.",
	"max_documents": "Metadata documents that are stored at most, besides those that are pinned or disabled; the " +
		"longest unused ones are deleted. Default ${default}.",
	"document_require": "Member that a metadata document must have, such as client_name and redirect_uris, which MCP " +
		"requires. Default: only client_id.",
	"document_stale": "How long beyond its freshness the last good copy of a metadata document serves while it cannot " +
		"be fetched, such as 7d. Default 0: not at all.",
	"document_ca": "Certificates of further authorities that hosts of documents may have, PEM.",

	"listen":       "Public address. An empty host listens on all addresses. Default ${default}.",
	"admin_listen": "Address of the admin API. Beyond loopback it needs TLS or --admin-insecure. Default ${default}.",
	"issuer":       "Issuer of the authorization server; https unless loopback. Default ${default}.",
	"public_url":   "URL at which clients reach the public address; https unless loopback. Defaults to the issuer.",
	"cors_origin": "Origins whose pages may register clients; * allows all. The public endpoints use no cookies. " +
		"Default ${default}.",
	"request_timeout": "Time limit of a request, from its last byte to the response; uploads, deployments and " +
		"replays have their own. Default ${default}.",
	"drain": "Time between SIGTERM and the end of new connections, in which /readyz answers 503. Defaults to 0s if " +
		"the public address is loopback, else to 5s.",

	"trusted_proxy": "Proxies that are trusted to name a client's address; see --forwarded-header.",
	"forwarded": "Header in which trusted proxies name a client's address: X-Forwarded-For, Forwarded (RFC " +
		"7239), or either. If a request has both, either takes only an address that both name. Default ${default}.",

	"database_help": "sqlite:FILE, or mysql: and a DSN such as mysql:user:password@tcp(db:3306)/registrar. Defaults " +
		"to sqlite:registrar.db, in $$STATE_DIRECTORY if that is set.",
	"database_url_file": "File that holds the value of --database, so that its password is no argument; also " +
		"$$REGISTRAR_DATABASE_FILE.",
	"database_ca": "Authorities of which one issued the certificate of the MySQL server, PEM. Every connection then " +
		"uses TLS, and checks the host name.",

	"startup_timeout": "Time for which a start waits for a database that cannot be reached; 0s means not at all. " +
		"Default ${default}.",

	"registration": "Who may register: anyone, or callers with a token. Defaults to open, to this machine only, " +
		"while public address, issuer and public URL are loopback and no proxy is trusted; else to token.",
	"jwt_issuer": "Issuers whose JWT access tokens may register clients, each with its keys: an https URL or a file.",
	"jwt_audience": "Audiences of which these tokens must have one (aud); none accepts tokens without an audience " +
		"and for any, and needs --jwt-require. Defaults to the public URL.",
	"jwt_scope":       "Scope that these tokens must have. Required with --jwt-issuer.",
	"jwt_scope_claim": "Claims of these tokens that hold their scopes, such as roles. Defaults to scope and scp.",
	"jwt_require":     "Claims that these tokens must have, all of them, such as token_use=access. Default none.",
	"rate_limit": "Registrations per second from one address, with bursts of 200; 0 means no limit. Default " +
		"${default}.",

	"management": "Let clients read, update and delete their registrations (RFC 7592). Default ${default}.",
	"rotate_registration_token": "Issue a new registration access token with each update. A client that misses the " +
		"response is locked out.",

	"secret_lifetime": "Lifetime of client secrets, such as 90d; 0 means that they never expire. Default " +
		"${default}.",
	"ids":                   "Format of client IDs: UUIDs that sort by time, or 32 random bytes. Default ${default}.",
	"default_scope":         "Scopes of clients that would have none. Default none.",
	"allowed_scope":         "Scopes that clients may have; others are dropped. Default all.",
	"echo_extensions":       "Unknown members to store and return; they may hold secrets. Default none.",
	"allowed_grant_type":    "Grant types that clients may have. Default ${default}.",
	"allowed_response_type": "Response types that clients may have. Default ${default}.",
	"unsupported_values": "Drop the values of lists that this server does not offer, by flags or discovery document, " +
		"or refuse the client. Default ${default}.",
	"grant_response_mismatch": "Correct or refuse grant types and response types that do not match; auto corrects if " +
		"the client sent only one of the two. Default ${default}.",
	"max_redirect_uris": "Maximum number of redirect URIs of a client. Default ${default}.",
	"uris_on_redirect_host": "Require client_uri, logo_uri, tos_uri and policy_uri to be on the host of a redirect " +
		"URI.",
	"web_custom_scheme": "Refuse web clients with a redirect URI such as com.example.app:/cb, or make them native. " +
		"Default ${default}.",
	"web_loopback":       "Let web clients redirect to http on a loopback host. Default ${default}.",
	"http_redirect_host": "Hosts of a lab to which clients may redirect over http, as to loopback. Default none.",
	"native_scheme": "Custom schemes that native clients may use: any, or only those like com.example.app. Default " +
		"${default}.",
	"allow_unsigned_id_token": "Allow id_token_signed_response_alg none for clients that get ID tokens only from the " +
		"token endpoint.",
	"signing_alg": "Signature algorithms that the authorization server supports. Default ${default}.",

	"script_memory": "Memory of each script in each registration, such as 16MiB; a multiple of 64KiB. Default " +
		"${default}.",
	"script_pool": "Instances of each script to keep ready. Default ${default}.",
	"script_cache": "Folder of compiled modules, private to this user (0700). Defaults to one in $$CACHE_DIRECTORY, " +
		"$$STATE_DIRECTORY or the user's cache folder.",
	"script_fuel": "Instructions that a script may run per step, unless its deployment says otherwise; per " +
		"registration, four times as many. Default ${default}.",
	"script_timeout": "Wall clock time of a script per step, excluding the step that it replaces. Default ${default}.",

	"max_modules":      "Maximum number of stored modules. Default ${default}.",
	"max_modules_size": "Maximum size of all stored modules together. Default ${default}.",

	"log_format": "Format of log lines. Default ${default}.",
	"log_level":  "Lowest level to log. Default ${default}.",

	"health_url": "Health endpoint. Defaults to /healthz at the server's --listen, over https if it has a " +
		"--tls-cert.",
	"health_listen":   "The server's public address. Default ${default}.",
	"health_tls_cert": "The server's certificate chain, PEM. It is trusted, whatever name it is for.",

	"migrate_to": "Version to migrate to, up or down. Defaults to the newest. Going down loses what later versions " +
		"brought; 0 drops all tables and their data.",

	"output": "Output format: text for people, json for programs. Default ${default}.",

	"server": "URL of the admin API. Defaults to the server's --admin-listen, as $$REGISTRAR_ADMIN_LISTEN or the " +
		"configuration file has it, else to http://127.0.0.1:8081.",

	"server_ca":       "Authorities of which one issued the server's certificate, PEM. Defaults to those of the system.",
	"tls_client_cert": "Certificate chain to show to a server that has --admin-client-ca, PEM.",
	"tls_client_key":  "Private key of the certificate to show, PEM.",

	"replica_list_command": "List the servers on the database, the oldest first, with the deployment that each has " +
		"loaded.",

	"script_run_command": "Run a request through all steps with one script and store nothing. Needs no server.",
	"script_pack_command": "Make a module of a script in JavaScript or TypeScript; put the JSON Schema of a " +
		"configuration into a module. Needs no server.",
	"script_new_command": "Create a script project: a first script, the SDK, test cases. Needs no server and no " +
		"network.",
	"script_replay_command": "Run the latest registrations through a script and report what differs. Registers and " +
		"deploys nothing.",

	"script_diff_deployment": "Deployment: its number, or a file as for script deploy. It is compared with the one " +
		"in force.",
	"script_diff_other": "Compare with this one instead, from the first to this.",

	"script_export_number": "Number of the deployment. Defaults to the one in force, which then must still be in " +
		"force when the output is deployed (if_current).",

	"script_inspect_file": "Module to check: FILE.wasm, or a script in JavaScript or TypeScript, which is packed " +
		"first.",

	"script_new_name": "Name of the script: its file is NAME.ts or NAME.js, or make builds NAME.wasm, and a push " +
		"deploys it as NAME. Defaults to the folder's.",
	"script_new_lang": "Language: ts (TypeScript), js (JavaScript), go, rust, as (AssemblyScript) or c.",

	"script_pack_file": "Script to pack, in JavaScript or TypeScript, or FILE.wasm as a compiler wrote it.",
	"script_pack_config_schema": "JSON Schema of the configuration, for the module to carry. Of a script, defaults " +
		"to config.schema.json in its folder, if it exists.",

	"script_push_file": "Module to upload: FILE.wasm, or a script in JavaScript or TypeScript, which is packed first.",
	"script_push_deploy": "Deploy the module, in place of the script of that name with its configuration, else last " +
		"(innermost); see --outermost and --before.",
	"script_push_mode": "With --deploy: shadow only records what the script would do. Defaults to the current mode, " +
		"else enforce.",
	"script_push_config_json": "With --deploy: configuration of the script, an object. Defaults to the current one.",
	"script_push_canary": "With --deploy: share of the callers that get it. For the others the previous deployment " +
		"stays in force.",
	"script_push_fuel": "With --deploy: instructions that the script may run per step. Defaults to the current " +
		"number, else to the server's --script-fuel.",
	"script_push_replace": "With --deploy: replace the script of that name even if a step or a member of its " +
		"configuration, which the new module does not know, loses its effect.",
	"script_push_before": "With --deploy: put the script before this one, that is, further out.",

	"script_replay_file": "Module: FILE.wasm, or a script in JavaScript or TypeScript, which is packed first. It is " +
		"uploaded, but not deployed.",
	"script_replay_last": "How many of the latest registrations to replay, at most 100000. Default ${default}.",
	"script_replay_name": "Name of the script. Defaults to the file's. It runs in place of the deployed script of " +
		"that name, else last.",
	"script_replay_config_json": "Configuration of the script, an object. Defaults to that of the script that it " +
		"replaces.",

	"script_run_file": "Module to run: FILE.wasm, or a script in JavaScript or TypeScript, which is packed " +
		"first.",
	"script_run_config_json": "Configuration of the script, an object. Default ${default}.",
	"script_run_caller":      "Caller, as read_caller shows it to scripts. Defaults to an anonymous one.",
	"script_run_trace": "Show each step: who ran it, outcome, time, fuel, what it changed (+ added, - removed, ~ " +
		"replaced) and logged.",

	"script_test_wasm": "Module to test: FILE.wasm, or a script in JavaScript or TypeScript, which is packed first. " +
		"Defaults to the only .wasm file in DIR, else to the only script; a module that was packed from a script in " +
		"DIR does not count.",

	"signature": "File of the module's minisign signature. Defaults to FILE.minisig, if it exists; of a script, it " +
		"is that of the packed module.",

	"script_signing_key": "Accept and load only modules signed with this minisign public key: the key itself, or its " +
		"file. Repeatable. By default modules need no signature.",

	"tls_cert":       "Certificate chain of the public address, PEM. Without it the address serves plain HTTP.",
	"admin_tls_cert": "Certificate chain of the admin API, PEM. Without it the admin API is plain HTTP.",
	"admin_tls_key":  "Private key of the admin API's certificate, PEM.",
	"admin_client_ca": "Authorities, PEM: clients of the admin address then need a certificate of one of them, and " +
		"an admin token as without.",
	"admin_insecure": "Let the admin address be plain HTTP beyond loopback: anyone who reads the traffic has the " +
		"admin token.",

	"token_create_uses":       "How many clients the token may register; 0 means any number. Default ${default}.",
	"token_create_expires_in": "How long the token is valid; 0 means forever. Default ${default}.",

	"otlp_endpoint": "Base URL of an OpenTelemetry collector, such as http://127.0.0.1:4318, to which traces are " +
		"sent by OTLP over HTTP. Default none: nothing is traced.",
	"otlp_sample_ratio": "Share of the traces that begin here which are recorded, from 0 to 1. Default ${default}.",

	"wait": "Wait until all live servers on the database have loaded the deployment; exit 1 if some have not in time.",
}

// putHelp replaces the keys in the model of the command line, such as ${listen}, by their texts. It comes before kong
// puts variables such as ${default} in. A flag with a list of values and without a placeholder gets one: a|b.
func putHelp(k *kong.Kong) error {
	text := func(s *string) {
		if key, ok := strings.CutPrefix(*s, "${"); ok {
			*s = cmp.Or(help[strings.TrimSuffix(key, "}")], *s)
		}
	}
	return kong.Visit(k.Model, func(part kong.Visitable, next kong.Next) error {
		switch part := part.(type) {
		case *kong.Node:
			text(&part.Help)
		case *kong.Flag:
			if part.PlaceHolder == "" && part.Enum != "" {
				part.PlaceHolder = strings.ReplaceAll(strings.Trim(part.Enum, ","), ",", "|")
			}
		case *kong.Value:
			text(&part.Help)
		}
		return next(nil)
	})
}
