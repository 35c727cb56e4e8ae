package registrar_test

import (
	"fmt"

	"registrar/sdk/go/registrar"
)

const metadata = registrar.Value(`{
	"client_name": "Editor",
	"redirect_uris": ["https://app.example/cb", "https://app.example/other"],
	"jwks": {"keys": [{"kty": "EC"}]},
	"default_max_age": 3600
}`)

func ExampleValue() {
	fmt.Println(metadata.Get("client_name").Text())
	fmt.Println(metadata.Get("redirect_uris").Strings())
	fmt.Println(metadata.Get("default_max_age").Int())
	fmt.Println(metadata.Get("logo_uri").IsSet())
	// Output:
	// Editor
	// [https://app.example/cb https://app.example/other]
	// 3600 true
	// false
}

func ExampleValue_Get() {
	for _, key := range metadata.Get("jwks", "keys").List() {
		fmt.Println(key.Get("kty").Text())
	}
	// Output:
	// EC
}

func ExampleValue_Members() {
	for _, m := range registrar.Value(`{"a": 1, "b": [true, null]}`).Members() {
		fmt.Println(m.Name, "is", m.Value)
	}
	// Output:
	// a is 1
	// b is [true, null]
}

func ExampleQuote() {
	patch := `{"client_name":` + registrar.Quote(`The "Editor"`) + `}`
	fmt.Println(patch)
	// Output:
	// {"client_name":"The \"Editor\""}
}
