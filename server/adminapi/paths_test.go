package adminapi

import "testing"

func TestFill(t *testing.T) {
	for _, tt := range []struct{ path, value, want string }{
		{PathClient, "a", "/admin/v1/clients/a"},
		{PathClient, "https://app.example/a?b", "/admin/v1/clients/https:%2F%2Fapp.example%2Fa%3Fb"},
		{PathModuleBytes, "sha256:00", "/admin/v1/modules/sha256:00/wasm"},
	} {
		if got := fill(tt.path, tt.value); got != tt.want {
			t.Errorf("%s of %s: got %s, want %s", tt.path, tt.value, got, tt.want)
		}
	}
}
