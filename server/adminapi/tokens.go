package adminapi

import "time"

// A NewInitialAccessToken requests an initial access token.
type NewInitialAccessToken struct {
	Label     string   `json:"label"`               // the operator's name for the token, 1 to 255 characters
	MaxUses   *int64   `json:"max_uses,omitzero"`   // number of registrations; 0 means any number, nil means 1
	ExpiresIn *int64   `json:"expires_in,omitzero"` // seconds; 0 means never, nil means 24 h
	Scopes    []string `json:"scopes,omitzero"`     // of the caller, for scripts
}

// An InitialAccessToken describes an initial access token.
type InitialAccessToken struct {
	ID        string     `json:"id"`
	Token     string     `json:"token,omitzero"` // the token itself, only in the response to its creation
	Label     string     `json:"label"`
	Scopes    []string   `json:"scopes"`
	MaxUses   int64      `json:"max_uses"`           // 0 means any number
	UsesLeft  *int64     `json:"uses_left,omitzero"` // nil means any number
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitzero"` // nil means never
}

// InitialAccessTokens is a list of tokens, newest first.
type InitialAccessTokens struct {
	Tokens []InitialAccessToken `json:"initial_access_tokens"`
}
