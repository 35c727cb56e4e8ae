package adminapi

import "time"

// A NewInitialAccessToken asks for a token that lets people register.
type NewInitialAccessToken struct {
	Label     string   `json:"label"`               // 1 to 255 characters, to know the token by
	MaxUses   *int64   `json:"max_uses,omitzero"`   // how many clients; 0 means any number, nil means 1
	ExpiresIn *int64   `json:"expires_in,omitzero"` // seconds; 0 means never, nil means 24 h
	Scopes    []string `json:"scopes,omitzero"`     // that scripts find in the caller
}

// An InitialAccessToken is a token as the operator sees it.
type InitialAccessToken struct {
	ID        string     `json:"id"`
	Token     string     `json:"token,omitzero"` // the token itself, in the answer to its creation alone
	Label     string     `json:"label"`
	Scopes    []string   `json:"scopes"`
	MaxUses   int64      `json:"max_uses"`           // 0 means any number
	UsesLeft  *int64     `json:"uses_left,omitzero"` // nil where any number may use it
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitzero"` // nil means never
}

// InitialAccessTokens is a list of tokens, newest first.
type InitialAccessTokens struct {
	Tokens []InitialAccessToken `json:"initial_access_tokens"`
}
