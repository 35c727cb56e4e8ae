package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jedisct1/go-minisign"

	"registrar/internal/servertest"
	"registrar/internal/wasmtest"
	"registrar/scripts"
)

// signingKey generates a key and returns the public key as minisign prints it.
func signingKey(t *testing.T) (minisign.PrivateKey, string) {
	t.Helper()
	var private minisign.PrivateKey
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	copy(private.SignatureAlgorithm[:], "Ed")
	copy(private.SecretKey[:], secret)
	copy(private.KeyId[:], secret)
	key := private.PublicKey()
	return private, base64.StdEncoding.EncodeToString(append(append(key.SignatureAlgorithm[:], key.KeyId[:]...),
		key.PublicKey[:]...))
}

// signedFixture copies a module to a temporary folder and writes its signature to the same path with a suffix.
func signedFixture(t *testing.T, name string, private minisign.PrivateKey, suffix string) string {
	t.Helper()
	wasm, err := os.ReadFile(wasmtest.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := private.Sign(wasm, minisign.SignOptions{Hashed: true})
	if err != nil {
		t.Fatal(err)
	}
	path := servertest.File(t, name+".wasm", string(wasm))
	if err := os.WriteFile(path+suffix, signature.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	private, public := signingKey(t)
	stranger, second := signingKey(t)
	folder := t.TempDir()
	p := start(t, folder, "--script-signing-key="+public, "--script-signing-key="+servertest.File(t, "second.pub",
		"untrusted comment: another\n"+second+"\n"))

	if r := p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--deploy"); r.code != exitFailed ||
		!strings.Contains(r.err, "the module has no signature") {
		t.Errorf("without a signature: exit code %d: %s", r.code, r.err)
	}
	wrong := signedFixture(t, "wrap-id", private, ".minisig")
	if r := p.command("script", "push", wasmtest.Path(t, "prefix-id"),
		"--signature="+wrong+".minisig"); r.code != exitFailed ||
		!strings.Contains(r.err, "does not match the module") {
		t.Errorf("with another module's signature: exit code %d: %s", r.code, r.err)
	}
	if r := p.command("script", "push", wasmtest.Path(t, "prefix-id"), "--signature=nowhere"); r.code != exitFailed ||
		!strings.Contains(r.err, "nowhere") {
		t.Errorf("with a missing file: exit code %d: %s", r.code, r.err)
	}
	must(t, p.command("script", "push", signedFixture(t, "prefix-id", private, ".minisig"), "--deploy"))
	if id := p.register(minimal).ClientID; !strings.HasPrefix(id, "acme-") {
		t.Errorf("the client ID is %q", id)
	}
	for _, args := range [][]string{
		{signedFixture(t, "accept-all", private, ".minisig")},
		{wrong, "--signature=" + wrong + ".minisig"},
	} {
		if got := answer[scripts.Replay](t, p, append([]string{"script", "replay"}, args...)...); got.Total != 1 ||
			got.Failed != 0 {
			t.Errorf("replaying a signed module: got %+v", got)
		}
	}
	if r := p.command("script", "replay", wasmtest.Path(t, "log-lines")); r.code != exitFailed ||
		!strings.Contains(r.err, "the module has no signature") {
		t.Errorf("replaying without a signature: exit code %d: %s", r.code, r.err)
	}
	elsewhere := signedFixture(t, "wrap-id", stranger, ".sig")
	if m := answer[scripts.Module](t, p, "script", "push", elsewhere,
		"--signature="+elsewhere+".sig"); !strings.HasPrefix(m.Signature, "untrusted comment: ") {
		t.Errorf("by the second key: %+v", m)
	}
	p.stop()

	p = start(t, folder, "--script-signing-key="+second) // the first key is no longer trusted
	if got := p.register(minimal); got.status != http.StatusServiceUnavailable {
		t.Errorf("registering: status %d", got.status)
	}
	if status := p.status(p.admin + "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: status %d", status)
	}
	p.wantMetric(0, "registrar_deployment_loaded")
	if !strings.Contains(p.log.String(), "which this server does not know") {
		t.Errorf("the log does not have the reason:\n%s", p.log)
	}
	// The same bytes, signed by a trusted key, make the server ready.
	must(t, p.command("script", "push", signedFixture(t, "prefix-id", stranger, ".minisig")))
	eventually(t, "it is ready", func() bool { return p.status(p.admin+"/readyz") == http.StatusOK })
	if id := p.register(minimal).ClientID; !strings.HasPrefix(id, "acme-") {
		t.Errorf("the client ID is %q", id)
	}
	p.stop()

	tamper(t, folder,
		"UPDATE modules SET signature = (SELECT signature FROM modules WHERE name = 'wrap-id') WHERE name = 'prefix-id'")
	if r := runCheck(t, folder, "--script-signing-key="+second); r.code != exitFailed ||
		!strings.Contains(r.err, "does not match the module, or was changed") {
		t.Errorf("a changed signature: exit code %d: %s", r.code, r.err)
	}
	tamper(t, folder, "UPDATE modules SET signature = NULL")
	if r := runCheck(t, folder, "--script-signing-key="+second); r.code != exitFailed ||
		!strings.Contains(r.err, "the module has no signature") {
		t.Errorf("a removed signature: exit code %d: %s", r.code, r.err)
	}
	must(t, runCheck(t, folder))
}

// tamper changes a SQLite database directly.
func tamper(t *testing.T, folder, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(folder, "registrar.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}
