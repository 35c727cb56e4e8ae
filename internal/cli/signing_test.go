package cli

import (
	"strings"
	"testing"

	"registrar/internal/servertest"
)

func TestInvalidSigningKeys(t *testing.T) {
	const public = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3" // of minisign's documentation
	if _, err := (&signingFlags{ScriptSigningKey: []string{public}}).keys(); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{"RWQ", "nowhere.pub", public[:55] + "!", servertest.File(t, "empty.pub", ""),
		servertest.File(t, "other.pub", "untrusted comment: x\nAAAA\n")} {
		f := signingFlags{ScriptSigningKey: []string{public, given}}
		if _, err := f.keys(); err == nil || !strings.Contains(err.Error(), "--script-signing-key "+given) {
			t.Errorf("%s: got %v, want an error with it", given, err)
		}
	}
}
