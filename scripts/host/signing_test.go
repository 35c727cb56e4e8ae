package host_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jedisct1/go-minisign"

	"registrar/engine"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/scripts/host"
)

// A signer signs modules.
type signer struct {
	t       *testing.T
	private minisign.PrivateKey
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	s := &signer{t: t}
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	copy(s.private.SignatureAlgorithm[:], "Ed")
	copy(s.private.SecretKey[:], secret)
	if _, err := rand.Read(s.private.KeyId[:]); err != nil {
		t.Fatal(err)
	}
	return s
}

// public returns the public key as minisign prints it.
func (s *signer) public() string {
	key := s.private.PublicKey()
	return base64.StdEncoding.EncodeToString(append(append(key.SignatureAlgorithm[:], key.KeyId[:]...),
		key.PublicKey[:]...))
}

func (s *signer) key() host.SigningKey {
	s.t.Helper()
	key, err := host.ParseSigningKey(s.public())
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

func (s *signer) sign(wasm []byte) string {
	s.t.Helper()
	signature, err := s.private.Sign(wasm, minisign.SignOptions{Hashed: true, TrustedComment: "version 1"})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(signature.Encode())
}

func TestSignedModules(t *testing.T) {
	t.Parallel()
	ours, other, stranger := newSigner(t), newSigner(t), newSigner(t)
	impostor := newSigner(t)
	impostor.private.KeyId = ours.private.KeyId
	wasm := wasmtest.Wasm(t, "prefix-id")
	legacy, err := ours.private.Sign(wasm, minisign.SignOptions{})
	if err != nil {
		t.Fatal(err)
	}
	good := ours.sign(wasm)
	for _, tt := range []struct {
		name, signature string
		want            string // in the reason; "" if the module is accepted
	}{
		{"by a key", good, ""},
		{"by another key", other.sign(wasm), ""},
		{"without hashing first", string(legacy.Encode()), ""},
		{"with another untrusted comment", strings.Replace(good, "untrusted comment: ", "untrusted comment: x", 1), ""},
		{"none", "", "the module has no signature: sign it with minisign and the key " + ours.key().ID() + " or " +
			other.key().ID()},
		{"a stranger", stranger.sign(wasm), "the signature is by the key " + stranger.key().ID() +
			", which this server does not know"},
		{"the same key ID", impostor.sign(wasm), "does not match the module, or was changed"},
		{"another module", ours.sign(wasmtest.Wasm(t, "wrap-id")), "does not match the module, or was changed"},
		{"a changed comment", strings.Replace(good, "version 1", "version 2", 1),
			"does not match the module, or was changed"},
		{"not a signature", "signed, honestly\n", "the signature is not a minisign signature"},
		{"a comment that is not UTF-8", strings.Replace(good, "untrusted comment: ", "untrusted comment: \xff", 1),
			"the signature is not a minisign signature"},
		{"too long", strings.Replace(good, "untrusted comment: ", "untrusted comment: "+strings.Repeat("x", 4096), 1),
			"at most 4096 are allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, engine.Options{})
			m, _, err := startSigned(t, b, ours, other).Upload(t.Context(), "ids", wasm, tt.signature)
			rejected, isRejected := errors.AsType[*scripts.RejectedError](err)
			switch {
			case tt.want == "" && (err != nil || m.Signature != tt.signature):
				t.Errorf("got %q and %v, want its signature", m.Signature, err)
			case tt.want != "" && (!isRejected || !strings.Contains(rejected.Error(), tt.want)):
				t.Errorf("got %v, want a refusal with %q", err, tt.want)
			}
			if list, err := b.store.Modules(t.Context()); err != nil || (len(list) == 1) != (tt.want == "") {
				t.Errorf("%d modules are stored, %v", len(list), err)
			}
		})
	}
}

// startSigned returns another host on the store of a bench. It accepts only modules that are signed by one of signers.
func startSigned(t *testing.T, b *bench, signers ...*signer) *host.Host {
	t.Helper()
	c := host.Config{Config: boxConfig(), Modules: b.store, Deployments: b.store, Signature: b.store.ModuleSignature}
	for _, s := range signers {
		c.SigningKeys = append(c.SigningKeys, s.key())
	}
	h, err := host.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h
}

// Modules that were stored before signatures were required, or changed in the database, do not load.
func TestStoredModulesAreCheckedAgain(t *testing.T) {
	t.Parallel()
	ours, old := newSigner(t), newSigner(t)
	wasm := wasmtest.Wasm(t, "prefix-id")
	digest := scripts.Digest(wasm)
	plain := newBench(t, engine.Options{})
	plain.deployFixtures("prefix-id")

	signed := startSigned(t, plain, ours)
	wantNotLoaded := func(words string) {
		t.Helper()
		if err := signed.Load(t.Context()); err == nil || !strings.Contains(err.Error(), words) ||
			!strings.Contains(err.Error(), "script prefix-id") {
			t.Errorf("loading: got %v, want %q", err, words)
		}
		if signed.Ready() == nil {
			t.Error("the host is ready")
		}
	}
	wantNotLoaded("the module has no signature")
	_, err := signed.Deploy(t.Context(),
		scripts.Deployment{Scripts: []scripts.Script{{Name: "prefix-id", Module: digest}}}, nil)
	if rejected, ok := errors.AsType[*scripts.RejectedError](err); !ok ||
		!strings.Contains(rejected.Error(), "the module has no signature") {
		t.Errorf("deploying it: got %v, want a refusal", err)
	}

	change := func(signature string) {
		t.Helper()
		m, err := plain.store.Module(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		m.Signature = signature
		if _, _, err := plain.store.AddModule(t.Context(), m, wasm); err != nil {
			t.Fatal(err)
		}
	}
	change(old.sign(wasm))
	wantNotLoaded("which this server does not know")
	change(ours.sign([]byte("something else")))
	wantNotLoaded("does not match the module, or was changed")
	change("nothing")
	wantNotLoaded("the signature is not a minisign signature")

	stored, added, err := signed.Upload(t.Context(), "again", wasm, ours.sign(wasm))
	if err != nil || added || stored.Name != "prefix-id" {
		t.Fatalf("uploading it again, signed: got %+v, %t and %v, want what is stored", stored, added, err)
	}
	if err := signed.Load(t.Context()); err != nil {
		t.Errorf("loading, signed: %v", err)
	}
	if number, loaded := signed.Current(); number != 1 || !loaded {
		t.Errorf("deployment %d, %t, want 1", number, loaded)
	}
}

func TestParseSigningKey(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	for _, text := range []string{
		s.public(),
		s.public() + "\n",
		"untrusted comment: minisign public key\n" + s.public() + "\n",
		"untrusted comment: x\r\n" + s.public() + "\r\n",
	} {
		key, err := host.ParseSigningKey(text)
		if diff := cmp.Diff(s.key().ID(), key.ID()); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	for _, text := range []string{"", "RWQ", s.public()[1:], "AAAA" + s.public()[4:], s.sign(nil)} {
		if _, err := host.ParseSigningKey(text); err == nil {
			t.Errorf("%q: got no error, want one", text)
		}
	}
}
