package host_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"registrar/engine"
	"registrar/scripts"
	"registrar/scripts/host"
)

// rotate rotates the secret of a stored client.
func (b *bench) rotate(id string) (*engine.Client, engine.Plaintext, error) {
	b.t.Helper()
	c, err := b.store.Client(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	secret, err := b.engine.RotateSecret(b.t.Context(), c, time.Hour, "request-2", &engine.AdminCall{})
	return c, secret, err
}

// A rotation runs generate_secret of the deployment in force, and no other step. The acts of the registration stay.
func TestRotationRunsScripts(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	b.deployFixtures("prefix-id", "accept-all")
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	b.deployFixtures("nested", "custom-secret", "accept-all", "log-lines")
	c, secret, err := b.rotate(r.Client.ID)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := b.store.Client(t.Context(), r.Client.ID)
	if err != nil || !b.engine.VerifySecret(stored, secret) || !b.engine.VerifySecret(stored, r.Secret) {
		t.Errorf("%v; or the new or the old secret does not verify", err)
	}
	// nested sets its secret without its base, which the log and the counter in the secret show: one call.
	if !strings.HasPrefix(secret.Reveal(), "nested-1-") {
		t.Error("the secret is not that of the outermost script")
	}
	if c.Updated.Deployment != 2 || len(c.Updated.Acts) != 1 || c.Updated.Acts[0].Step != "generate_secret" ||
		c.Updated.Acts[0].Script != "nested" {
		t.Errorf("the rotation is recorded as %+v", c.Updated)
	}
	if diff := cmp.Diff(stored.Updated, c.Updated); diff != "" {
		t.Errorf("stored and returned:\n%s", diff)
	}
	if diff := cmp.Diff(r.Client.Provenance, stored.Provenance); diff != "" {
		t.Errorf("the registration's provenance (-before +after):\n%s", diff)
	}
}

// In a rotation, a script reads the registered metadata as the request, and its log has the request's ID and no secret.
func TestRotationLog(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	r, err := b.register(`{"redirect_uris":["https://app.example/cb"],"unknown":"member"}`)
	if err != nil {
		t.Fatal(err)
	}
	b.deployFixtures("log-secret")
	_, secret, err := b.rotate(r.Client.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.close()
	log := b.log.String()
	for _, want := range []string{`\"redirect_uris\":[\"https://app.example/cb\"]`,
		`\"token_endpoint_auth_method\":\"client_secret_basic\"`, "[redacted]", "request_id=request-2"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s:\n%s", want, log)
		}
	}
	if strings.Contains(log, secret.Reveal()) || strings.Contains(log, "unknown") {
		t.Errorf("the log shows the secret, or what was not registered:\n%s", log)
	}
}

// A rotation that a script refuses or fails changes nothing. The error names the script that decided.
func TestRefusedRotation(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	before, err := b.store.Client(t.Context(), r.Client.ID)
	if err != nil {
		t.Fatal(err)
	}
	unchanged := func() {
		t.Helper()
		after, err := b.store.Client(t.Context(), r.Client.ID)
		if err != nil || after.Version != 0 || after.Secret.Hash != before.Secret.Hash || after.Updated != nil {
			t.Errorf("%v; stored: %+v", err, after)
		}
	}
	b.deployFixtures("refuse-secret")
	_, _, err = b.rotate(r.Client.ID)
	refusal, ok := errors.AsType[*host.RefusalError](err)
	if !ok || refusal.Script != "refuse-secret" || refusal.Step != "generate_secret" ||
		!errors.Is(err, refusal.Refusal) || !strings.Contains(refusal.Refusal.Description, "no secrets") {
		t.Errorf("got %v, want the refusal of refuse-secret", err)
	}
	unchanged()

	b.deployFixtures("fail-short-secret")
	_, _, err = b.rotate(r.Client.ID)
	if failure, ok := errors.AsType[*host.ScriptError](err); !ok || failure.Script != "fail-short-secret" {
		t.Errorf("got %v, want the failure of fail-short-secret", err)
	}
	unchanged()

	failing := b.script("fail-short-secret")
	failing.OnFailure = scripts.OnFailureBase
	b.deploy(failing)
	if _, secret, err := b.rotate(r.Client.ID); err != nil || len(secret) != 43 {
		t.Errorf("with on_failure base: got %v", err)
	}
}

// Without a deployment, no secret is rotated: a policy in force would be skipped.
func TestNoRotationBeforeADeployment(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	unloaded, err := host.New(t.Context(), host.Config{Modules: b.store, Deployments: b.store,
		ClientExists: b.store.ClientExists, RegistrationTimeout: time.Minute, Config: boxConfig()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unloaded.Close(context.Background()) })
	e, err := engine.New(engine.Config{Store: b.store, Overrides: unloaded.Overrides})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.RotateSecret(t.Context(), r.Client, 0, "", &engine.AdminCall{}); !errors.Is(err,
		engine.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, engine.ErrUnavailable)
	}
}

// A shadow sees rotations.
func TestShadowOfARotation(t *testing.T) {
	t.Parallel()
	b := newBench(t, engine.Options{})
	r, err := b.register(minimal)
	if err != nil {
		t.Fatal(err)
	}
	shadow := b.script("refuse-secret")
	shadow.Mode = scripts.ModeShadow
	b.deploy(shadow, b.script("custom-secret"))
	if _, secret, err := b.rotate(r.Client.ID); err != nil || len(secret) != 48 {
		t.Fatalf("got %v", err)
	}
	await(t, "the shadow's result", func() bool {
		list, err := b.store.Shadows(t.Context(), "refuse-secret", 10)
		return err == nil && len(list) == 1 && list[0].Refused == 1
	})
}
