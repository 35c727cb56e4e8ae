package engine

import "context"

// A StepFunc runs one step of a registration. It returns nil to continue, an *[Error] to refuse the registration, or
// another error if the server or a script failed.
type StepFunc func(ctx context.Context, r *Registration) error

// Steps holds the replaceable steps of a registration. An override may keep the old value of a field, its base, and
// call it.
type Steps struct {
	ValidateSoftwareStatement      StepFunc
	SetGrantTypes                  StepFunc
	SetRedirectURIs                StepFunc
	SetScopes                      StepFunc // calls SetDefaultScopes if no scope is left
	SetDefaultScopes               StepFunc
	SetSecrets                     StepFunc
	SetClientName                  StepFunc
	SetLogoutParameters            StepFunc
	SetMaxAge                      StepFunc
	SetUserInterfaceProperties     StepFunc
	SetPublicClientProperties      StepFunc
	SetAccessTokenProperties       StepFunc
	SetIDTokenProperties           StepFunc
	SetServerSideSessionProperties StepFunc
	AddClientID                    StepFunc
	AddClientSecret                StepFunc // calls GenerateSecret if the client needs a shared secret
	GenerateSecret                 StepFunc
	BuildResponse                  StepFunc
}

// A Step is a row of [StepTable].
type Step struct {
	Name   string // as scripts export it
	Nested bool   // another step calls it, not the engine
	Field  func(*Steps) *StepFunc
}

// The names of the steps that code refers to outside StepTable.
const (
	StepAddClientID     = "add_client_id"
	StepAddClientSecret = "add_client_secret"
	StepGenerateSecret  = "generate_secret"
	StepBuildResponse   = "build_response"

	stepSetDefaultScopes = "set_default_scopes"
)

// StepNone takes the place of a step's name where a check that is no step refuses a registration.
const StepNone = "none"

// StepTable returns the steps in the order in which a registration runs them.
func StepTable() [18]Step {
	return [...]Step{
		{"validate_software_statement", false, func(s *Steps) *StepFunc { return &s.ValidateSoftwareStatement }},
		{"set_grant_types", false, func(s *Steps) *StepFunc { return &s.SetGrantTypes }},
		{"set_redirect_uris", false, func(s *Steps) *StepFunc { return &s.SetRedirectURIs }},
		{"set_scopes", false, func(s *Steps) *StepFunc { return &s.SetScopes }},
		{stepSetDefaultScopes, true, func(s *Steps) *StepFunc { return &s.SetDefaultScopes }},
		{"set_secrets", false, func(s *Steps) *StepFunc { return &s.SetSecrets }},
		{"set_client_name", false, func(s *Steps) *StepFunc { return &s.SetClientName }},
		{"set_logout_parameters", false, func(s *Steps) *StepFunc { return &s.SetLogoutParameters }},
		{"set_max_age", false, func(s *Steps) *StepFunc { return &s.SetMaxAge }},
		{"set_user_interface_properties", false, func(s *Steps) *StepFunc { return &s.SetUserInterfaceProperties }},
		{"set_public_client_properties", false, func(s *Steps) *StepFunc { return &s.SetPublicClientProperties }},
		{"set_access_token_properties", false, func(s *Steps) *StepFunc { return &s.SetAccessTokenProperties }},
		{"set_id_token_properties", false, func(s *Steps) *StepFunc { return &s.SetIDTokenProperties }},
		{"set_server_side_session_properties", false,
			func(s *Steps) *StepFunc { return &s.SetServerSideSessionProperties }},
		{StepAddClientID, false, func(s *Steps) *StepFunc { return &s.AddClientID }},
		{StepAddClientSecret, false, func(s *Steps) *StepFunc { return &s.AddClientSecret }},
		{StepGenerateSecret, true, func(s *Steps) *StepFunc { return &s.GenerateSecret }},
		{StepBuildResponse, false, func(s *Steps) *StepFunc { return &s.BuildResponse }},
	}
}
