// Command go-policy is a registration policy in standard Go, with the packages one would use: a client gets only scopes
// that its caller has, and redirects only to hosts of the script's configuration, {"hosts":["app.example"]}. Without a
// configuration no host is allowed.
package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unsafe"
)

//go:wasmimport registrar_v1 read_client
func readClient(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 read_request
func readRequest(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 read_caller
func readCaller(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 read_config
func readConfig(buf unsafe.Pointer, size uint32) int32

//go:wasmimport registrar_v1 patch_client
func patchClient(patch string) int32

//go:wasmimport registrar_v1 call_base
func callBase() int32

//go:wasmimport registrar_v1 refuse
func refuse(code, description string)

//go:wasmimport registrar_v1 log
func log(level int32, line string)

const (
	done    = 0
	refused = 1
	failed  = 2

	info = 1
)

// decode reads a value of the host into v. It panics on what is no JSON: a script that cannot read its input fails.
func decode(read func(unsafe.Pointer, uint32) int32, v any) {
	buf := make([]byte, 4096)
	size := int(read(unsafe.Pointer(&buf[0]), uint32(len(buf))))
	if size > len(buf) {
		buf = make([]byte, size)
		size = int(read(unsafe.Pointer(&buf[0]), uint32(len(buf))))
	}
	if err := json.Unmarshal(buf[:size], v); err != nil {
		panic(err)
	}
}

//go:wasmexport set_redirect_uris
func setRedirectURIs() int32 {
	var config struct {
		Hosts []string `json:"hosts"`
	}
	var request struct {
		RedirectURIs []string `json:"redirect_uris"`
	}
	decode(readConfig, &config)
	decode(readRequest, &request)
	for i, uri := range request.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil {
			return callBase() // the base says what is wrong with it
		}
		if !slices.Contains(config.Hosts, u.Hostname()) {
			refuse("invalid_redirect_uri", fmt.Sprintf("redirect_uris[%d]: host %s is not allowed", i, u.Hostname()))
			return refused
		}
	}
	log(info, fmt.Sprintf("redirect URIs on allowed hosts: %d", len(request.RedirectURIs)))
	return callBase()
}

//go:wasmexport set_scopes
func setScopes() int32 {
	if callBase() != done {
		return refused
	}
	var client struct {
		Scope string `json:"scope"`
	}
	var caller struct {
		Scopes []string `json:"scopes"`
	}
	decode(readClient, &client)
	decode(readCaller, &caller)
	asked := strings.Fields(client.Scope)
	granted := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return !slices.Contains(caller.Scopes, s) })
	if len(granted) == len(asked) {
		return done
	}
	if len(granted) == 0 {
		refuse("invalid_client_metadata", "scope: none of these is the caller's to give")
		return refused
	}
	patch, err := json.Marshal(map[string]string{"scope": strings.Join(granted, " ")})
	if err != nil || patchClient(string(patch)) != 0 {
		return failed
	}
	return done
}

func main() {} // a reactor: never called
