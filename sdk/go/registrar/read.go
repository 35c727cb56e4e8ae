package registrar

// Request returns the metadata that the client requests, as sent.
func Request() Value { return readValue(requestSource()) }

// Client returns the client as built so far: its metadata, and client_id once it is set. It never contains a secret.
func Client() Value { return readValue(clientSource()) }

// Config returns this script's config from the deployment, {} if it has none.
func Config() Value { return readValue(configSource()) }

// Statement returns the verified claims of the software statement. It is not set if the request had none.
func Statement() Value { return readValue(statementSource()) }

// A CallerInfo describes the caller that registers the client. Unknown fields are empty.
type CallerInfo struct {
	Auth    string // "none", "initial_access_token", "jwt", "registration_access_token" or "admin"
	Issuer  string
	Subject string
	TokenID string
	Scopes  []string
	IP      string
	Claims  Value // of the token, an object
}

// HasScope reports whether the caller has a scope.
func (c CallerInfo) HasScope(scope string) bool {
	for _, s := range c.Scopes {
		if s == scope {
			return true
		}
	}
	return false
}

// Caller returns the caller. On an update it is the one that registered the client, with the Auth of the update.
func Caller() CallerInfo { return callerOf(readValue(callerSource())) }

func callerOf(v Value) CallerInfo {
	return CallerInfo{
		Auth:    v.Get("auth").Text(),
		Issuer:  v.Get("issuer").Text(),
		Subject: v.Get("subject").Text(),
		TokenID: v.Get("token_id").Text(),
		Scopes:  v.Get("scopes").Strings(),
		IP:      v.Get("ip").Text(),
		Claims:  v.Get("claims"),
	}
}

// A ContextInfo describes the call of the script. Treat unknown operations as "register" and unknown modes as
// "enforce".
type ContextInfo struct {
	Operation string // "register", "update", "rotate_secret" or "metadata_document"
	Step      string
	Mode      string
}

// Context returns the operation, step and mode of this call.
func Context() ContextInfo { return contextOf(readValue(contextSource())) }

func contextOf(v Value) ContextInfo {
	return ContextInfo{Operation: v.Get("operation").Text(), Step: v.Get("step").Text(), Mode: v.Get("mode").Text()}
}

// A source is a reading function of the host. It returns the value's length, negative if there is none, and writes the
// value only if it fits.
type source func(buf []byte) int32

// read reads a value, with a second call if it does not fit at first.
func read(from source) (string, bool) {
	buf := make([]byte, 2048)
	for {
		n := int(from(buf))
		switch {
		case n < 0:
			return "", false
		case n <= len(buf):
			return string(buf[:n]), true
		}
		buf = make([]byte, n)
	}
}

func readValue(from source) Value {
	text, _ := read(from)
	return Value(text)
}
