package engine

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// AuthAdmin means that an administrator registered or changed a client, through the admin API. Their [AdminCall.Name]
// is Caller.Subject, with the Caller.Issuer that vouches for them, or Caller.TokenID if there is no issuer.
const AuthAdmin Auth = "admin"

// A Status says whether a client may be used. The zero value means StatusActive.
type Status string

// The statuses of a client. Any other is not active.
const (
	StatusActive   Status = "active"
	StatusDisabled Status = "disabled"
)

// Active reports whether the client may be used.
func (c *Client) Active() bool { return c.Status == "" || c.Status == StatusActive }

// An AdminAction is the kind of an [AdminAct].
type AdminAction string

// The actions of administrators that are kept with a client.
const (
	ActionCreated       AdminAction = "created"
	ActionUpdated       AdminAction = "updated"
	ActionSecretRotated AdminAction = "secret_rotated"
	ActionTokenReissued AdminAction = "token_reissued"
	ActionDisabled      AdminAction = "disabled"
	ActionEnabled       AdminAction = "enabled"
	ActionPinned        AdminAction = "pinned"   // a copy of the metadata document was put in force
	ActionUnpinned      AdminAction = "unpinned" // the document is fetched again
)

// An AdminAct records what an administrator did to a client.
type AdminAct struct {
	Action    AdminAction `json:"action"`
	At        time.Time   `json:"at"`                  // UTC, in whole microseconds
	By        string      `json:"by"`                  // the administrator, as the log names them
	Issuer    string      `json:"issuer,omitzero"`     // that vouches for them; "" means that none does
	Reason    string      `json:"reason,omitzero"`     // "" means that none was given
	NoScripts bool        `json:"no_scripts,omitzero"` // the steps ran without scripts
}

// maxAdminActs bounds the acts that are kept with a client: the last ones.
const maxAdminActs = 20

// An AdminCall is who calls the admin API to register or change a client, and what they ask besides its metadata.
type AdminCall struct {
	Name      string     // of the administrator, as the log has it: at most 255 characters, never a token
	Issuer    string     // that vouches for the administrator; "" means that none does
	IP        netip.Addr // zero if it is not known
	Reason    string     // kept with the client; "" means none
	NoScripts bool       // run the steps without scripts

	// ClientID and Secret are those that the administrator chose for a new client; "" means that the steps make them. A
	// step whose result was chosen does not run, and neither do its scripts: add_client_id, or add_client_secret and
	// generate_secret.
	ClientID string
	Secret   Plaintext
}

func (a *AdminCall) caller() Caller {
	if a.Issuer != "" {
		return Caller{Auth: AuthAdmin, Issuer: a.Issuer, Subject: a.Name, IP: a.IP}
	}
	return Caller{Auth: AuthAdmin, TokenID: a.Name, IP: a.IP}
}

// Record returns acts with another one. The list is a new one.
func (a *AdminCall) Record(acts []AdminAct, action AdminAction, at time.Time) []AdminAct {
	act := AdminAct{Action: action, At: at, By: a.Name, Issuer: a.Issuer, Reason: a.Reason, NoScripts: a.NoScripts}
	acts = append(slices.Clip(acts), act)
	return acts[max(0, len(acts)-maxAdminActs):]
}

// Chosen returns the client ID and the secret that a request of an administrator chooses; "" means that the steps make
// them. It returns an *[Error] if one of them is not valid, or if the request sets what only the server sets.
func (q *Request) Chosen() (id string, secret Plaintext, err error) {
	if err := q.checkServerMembers(); err != nil {
		return "", "", err
	}
	if id, err = q.reservedText("client_id"); err != nil {
		return "", "", err
	}
	text, err := q.reservedText("client_secret")
	if err != nil {
		return "", "", err
	}
	if id != "" {
		if err := CheckClientID(id); err != nil {
			return "", "", Refuse("client_id: %v", err)
		}
	}
	if secret = Plaintext(text); secret != "" {
		if err := CheckSecret(secret); err != nil {
			return "", "", Refuse("client_secret: %v", err)
		}
	}
	return id, secret, nil
}

// CreateClient is [Engine.Register] for an administrator. Scripts see a caller with AuthAdmin, and a request without
// client_secret. A chosen ID that is taken is ErrExists.
func (e *Engine) CreateClient(ctx context.Context, request *Request, call *AdminCall) (*Registration, error) {
	request, err := request.withoutSecret()
	if err != nil {
		return nil, err
	}
	r, err := e.newAdminRegistration(request, call, ModeEnforce)
	if err != nil {
		return nil, err
	}
	return r.conclude(ctx, e.register)
}

// newAdminRegistration returns the registration of an administrator's new client before its first step.
func (e *Engine) newAdminRegistration(request *Request, call *AdminCall, mode Mode) (*Registration, error) {
	caller := call.caller()
	r, err := e.newRegistration(request, &caller, mode)
	if err != nil {
		return nil, err
	}
	r.admin = call
	r.Client.AdminActs = call.Record(nil, ActionCreated, r.Now)
	return r, nil
}

// ChangeClient is [Engine.Update] for an administrator: client_id may be left out of the request, and the client keeps
// its registration access token, and its secret while it needs one. Scripts see a caller with AuthAdmin.
func (e *Engine) ChangeClient(
	ctx context.Context, current *Client, request *Request, call *AdminCall,
) (*Registration, error) {
	r, err := e.newChange(current, request, ModeEnforce, call)
	if err != nil {
		return nil, err
	}
	return r.conclude(ctx, e.update)
}

// newChange returns an administrator's update before its first step.
func (e *Engine) newChange(current *Client, request *Request, mode Mode, call *AdminCall) (*Registration, error) {
	now := e.timestamp()
	request, err := request.forChange(current, now)
	if err != nil {
		return nil, err
	}
	caller := call.caller()
	r := newUpdateOf(current, request, mode, now)
	r.Caller, r.admin = &caller, call
	r.Client.TokenHash = current.TokenHash
	r.Client.AdminActs = call.Record(current.AdminActs, ActionUpdated, now)
	return e.begin(r)
}

// override returns the overrides of a registration that an administrator asked for.
func (a *AdminCall) override(overrides Overrides) Overrides {
	if a.NoScripts {
		overrides = func(_ *Registration, base Steps) (Steps, func()) { return base, func() {} }
	}
	return func(r *Registration, base Steps) (Steps, func()) {
		steps, release := overrides(r, base)
		if a.ClientID != "" {
			steps.AddClientID = a.chooseID
		}
		if a.Secret != "" {
			steps.AddClientSecret, steps.GenerateSecret = a.chooseSecret, a.chooseSecret
		}
		return steps, release
	}
}

// chooseID takes the place of add_client_id.
func (a *AdminCall) chooseID(_ context.Context, r *Registration) error {
	r.Client.ID = a.ClientID
	return nil
}

// chooseSecret takes the place of add_client_secret and generate_secret.
func (a *AdminCall) chooseSecret(_ context.Context, r *Registration) error {
	if method := r.Client.Metadata.TokenEndpointAuthMethod; !usesSharedSecret(method) {
		return Refuse("client_secret must be left out: token_endpoint_auth_method '%s' uses no secret", method)
	}
	return r.SetSecret(a.Secret, r.DefaultSecretExpiry())
}

// ReissueToken gives a client a new registration access token, which it returns with the URI where the client presents
// it (RFC 7592 §3), and updates current to the stored client. The old token becomes invalid. It returns ErrConflict,
// and changes nothing, if current is out of date. The engine must be [Engine.Managed].
func (e *Engine) ReissueToken(ctx context.Context, current *Client, call *AdminCall) (Plaintext, string, error) {
	token, err := e.newToken()
	if err != nil {
		return "", "", err
	}
	changed := *current
	changed.TokenHash = new(HashToken(token))
	changed.AdminActs = call.Record(current.AdminActs, ActionTokenReissued, e.timestamp())
	if err := e.replace(ctx, current, &changed); err != nil {
		return "", "", err
	}
	return token, e.clientURI(current.ID), nil
}

// SetStatus enables or disables a client, and updates current to the stored client. It returns ErrConflict, and changes
// nothing, if current is out of date.
func (e *Engine) SetStatus(ctx context.Context, current *Client, status Status, call *AdminCall) error {
	action := ActionEnabled
	if status != StatusActive {
		action = ActionDisabled
	}
	changed := *current
	changed.Status, changed.AdminActs = status, call.Record(current.AdminActs, action, e.timestamp())
	return e.replace(ctx, current, &changed)
}

// replace stores a changed client without any step, and updates current to it.
func (e *Engine) replace(ctx context.Context, current, changed *Client) error {
	if err := e.store.UpdateClient(ctx, changed); err != nil {
		return fmt.Errorf("storing the client: %w", err)
	}
	*current = *changed
	current.Version++
	return nil
}
