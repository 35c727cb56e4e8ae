package engine

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// AuthAdmin means that an administrator registered or changed a client, through the admin API. Caller.TokenID is
// [AdminCall.Name].
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
)

// An AdminAct records what an administrator did to a client.
type AdminAct struct {
	Action    AdminAction `json:"action"`
	At        time.Time   `json:"at"`                  // UTC, in whole microseconds
	By        string      `json:"by"`                  // the administrator, as the log names them
	Reason    string      `json:"reason,omitzero"`     // "" means that none was given
	NoScripts bool        `json:"no_scripts,omitzero"` // the steps ran without scripts
}

// maxAdminActs bounds the acts that are kept with a client: the last ones.
const maxAdminActs = 20

// An AdminCall is who calls the admin API to register or change a client, and what they ask besides its metadata.
type AdminCall struct {
	Name      string     // of the administrator, as the log has it: at most 255 characters, never a token
	IP        netip.Addr // zero if it is not known
	Reason    string     // kept with the client; "" means none
	NoScripts bool       // run the steps without scripts

	// ClientID and Secret are those that the administrator chose for a new client; "" means that the steps make them. A
	// step whose result was chosen does not run, and neither do its scripts: add_client_id, or add_client_secret and
	// generate_secret.
	ClientID string
	Secret   Plaintext
}

func (a *AdminCall) caller() Caller { return Caller{Auth: AuthAdmin, TokenID: a.Name, IP: a.IP} }

// record returns acts with another one. The list is a new one.
func (a *AdminCall) record(acts []AdminAct, action AdminAction, at time.Time) []AdminAct {
	act := AdminAct{Action: action, At: at, By: a.Name, Reason: a.Reason, NoScripts: a.NoScripts}
	acts = append(slices.Clip(acts), act)
	return acts[max(0, len(acts)-maxAdminActs):]
}

// SetStatus enables or disables a client, and updates current to the stored client. It returns ErrConflict, and changes
// nothing, if current is out of date.
func (e *Engine) SetStatus(ctx context.Context, current *Client, status Status, call *AdminCall) error {
	action := ActionEnabled
	if status != StatusActive {
		action = ActionDisabled
	}
	changed := *current
	changed.Status, changed.AdminActs = status, call.record(current.AdminActs, action, e.timestamp())
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
