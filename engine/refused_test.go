package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// Each refusal is reported once, with the innermost step that refused. Nothing else is reported, and no dry run.
func TestRefusalsAreReported(t *testing.T) {
	refusing := func(field func(*Steps) *StepFunc) Overrides {
		return func(_ *Registration, base Steps) (Steps, func()) {
			*field(&base) = func(context.Context, *Registration) error {
				return RefuseAs(UnapprovedSoftwareStatement, "no")
			}
			return base, func() {}
		}
	}
	// overruling overrules the refusal of set_default_scopes. Then set_client_name refuses.
	overruling := func(_ *Registration, base Steps) (Steps, func()) {
		scopes := base.SetScopes
		base.SetScopes = func(ctx context.Context, r *Registration) error { _ = scopes(ctx, r); return nil }
		base.SetDefaultScopes = func(context.Context, *Registration) error { return Refuse("no default") }
		base.SetClientName = func(context.Context, *Registration) error { return Refuse("no name") }
		return base, func() {}
	}
	failing := func(_ *Registration, base Steps) (Steps, func()) {
		base.SetScopes = func(context.Context, *Registration) error { return errors.New("failed") }
		return base, func() {}
	}
	for _, c := range []struct {
		name, body string
		overrides  Overrides
		want       []string
	}{
		{"none", minimal, nil, nil},
		{"a step", `{"redirect_uris":["https://app.example/cb#f"]}`, nil,
			[]string{"set_redirect_uris invalid_redirect_uri"}},
		{"a check", `{"redirect_uris":["https://app.example/cb"],"a":"\u0000"}`, nil,
			[]string{"none invalid_client_metadata"}},
		{"a nested step", minimal, refusing(func(s *Steps) *StepFunc { return &s.SetDefaultScopes }),
			[]string{"set_default_scopes unapproved_software_statement"}},
		{"the secret", minimal, refusing(func(s *Steps) *StepFunc { return &s.GenerateSecret }),
			[]string{"generate_secret unapproved_software_statement"}},
		{"after an overruled refusal", minimal, overruling, []string{"set_client_name invalid_client_metadata"}},
		{"a failure", minimal, failing, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			e := newEngine(t, Config{Overrides: c.overrides, Options: Options{EchoExtensions: []string{"a"}},
				Refused: func(code Code, step string) { got = append(got, fmt.Sprint(step, " ", code)) }})
			request, err := ParseRequest([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.Register(t.Context(), request, &Caller{Auth: AuthNone})
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q; the error is %v", got, c.want, err)
			}
			got = nil
			if c.overrides == nil {
				c.overrides = func(_ *Registration, base Steps) (Steps, func()) { return base, func() {} }
			}
			if _, _ = e.Preview(t.Context(), request, &Caller{Auth: AuthNone}, c.overrides); got != nil {
				t.Errorf("a dry run reported %q", got)
			}
		})
	}
}
