//go:build wasip1

// Command software-statement registers only software that a directory has approved, as in open banking: with a software
// statement, which the server has verified, whose claims are the name of the software, its roles and its redirect URIs.
// The config lists the issuers whose statements are accepted, the roles, and the greatest age of a statement:
//
//	{"issuers":["https://directory.example"],"roles":["AISP","PISP"],"max_age_days":180}
package main

import (
	"slices"
	"strconv"

	"registrar/sdk/go/registrar"
)

//go:wasmexport validate_software_statement
func validateSoftwareStatement() int32 {
	statement, config := registrar.Statement(), registrar.Config()
	if !statement.IsSet() {
		return registrar.Refuse(registrar.InvalidSoftwareStatement, "software_statement: one is required here")
	}
	if !slices.Contains(config.Require("issuers").Strings(), statement.Get("iss").Text()) {
		return registrar.Refuse(registrar.UnapprovedSoftwareStatement,
			"software_statement: its issuer is not approved here")
	}
	if problem := check(statement, config, registrar.Now()/1000); problem != "" {
		return registrar.Refuse(registrar.InvalidSoftwareStatement, "software_statement: "+problem)
	}
	// RFC 7591 §2: software_id identifies the software. The client's must be that of the statement.
	asked := registrar.Request().Get("software_id")
	if asked.IsSet() && asked.Text() != statement.Get("software_id").Text() {
		return registrar.Refuse(registrar.InvalidClientMetadata,
			"software_id: it is not the one of the software statement")
	}
	if registrar.Base() != registrar.Done {
		return registrar.Refused
	}
	change(registrar.Set("software_id", statement.Get("software_id").Text()))
	return registrar.Done
}

// check returns the problem with a statement's claims, "" if there is none. now is in seconds since 1970.
func check(statement, config registrar.Value, now int64) string {
	if !isSoftwareID(statement.Get("software_id").Text()) {
		return "software_id must be 1 to 36 letters, digits and dashes"
	}
	if statement.Get("software_client_name").Text() == "" {
		return "software_client_name is missing"
	}
	if len(statement.Get("software_redirect_uris").List()) == 0 {
		return "software_redirect_uris is missing"
	}
	roles := config.Require("roles").Strings()
	if !slices.ContainsFunc(statement.Get("software_roles").Strings(),
		func(role string) bool { return slices.Contains(roles, role) }) {
		return "software_roles holds none of the roles that are served here"
	}
	issued, ok := statement.Get("iat").Int()
	if !ok || issued > now {
		return "iat must be when it was issued"
	}
	if days := config.Require("max_age_days").Int(); now-issued > days*24*60*60 {
		return "it is older than " + strconv.FormatInt(days, 10) + " days"
	}
	return ""
}

func isSoftwareID(id string) bool {
	for _, c := range id {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-') {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 36
}

//go:wasmexport set_redirect_uris
func setRedirectURIs() int32 {
	if registrar.Base() != registrar.Done {
		return registrar.Refused
	}
	vouched := registrar.Statement().Get("software_redirect_uris").Strings()
	for i, uri := range registrar.Client().Get("redirect_uris").Strings() {
		if !slices.Contains(vouched, uri) {
			return registrar.Refuse(registrar.InvalidRedirectURI,
				"redirect_uris["+strconv.Itoa(i)+"]: the software statement does not hold it")
		}
	}
	return registrar.Done
}

// The name is that of the statement in every language, since users see it when they consent.
//
//go:wasmexport set_client_name
func setClientName() int32 {
	if registrar.Base() != registrar.Done {
		return registrar.Refused
	}
	for _, form := range registrar.Client().Tagged("client_name") {
		change(registrar.Remove(form.Name))
	}
	change(registrar.Set("client_name", registrar.Statement().Get("software_client_name").Text()))
	return registrar.Done
}

// change fails the script if the host rejected a change.
func change(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {}
