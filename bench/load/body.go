package load

import "strconv"

// Body returns the body of request number i: metadata of a confidential web client, about 500 bytes, with the members
// that typical clients send.
func Body(i int) []byte {
	b := make([]byte, 0, 640)
	b = append(b, `{"client_name":"Example Application `...)
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(b, `","redirect_uris":["https://app`...)
	b = strconv.AppendInt(b, int64(i%1000), 10)
	b = append(b, `.example.com/oauth/callback","https://app`...)
	b = strconv.AppendInt(b, int64(i%1000), 10)
	b = append(b, `.example.com/oauth/silent-renew"],"grant_types":["authorization_code","refresh_token"],`+
		`"response_types":["code"],`+
		`"token_endpoint_auth_method":"client_secret_basic","scope":"openid profile email offline_access",`+
		`"client_uri":"https://www.example.com/","contacts":["ops@example.com"],"software_id":"4NRB1-0XZABZI9E6-5SM3R",`+
		`"software_version":"2.`...)
	b = strconv.AppendInt(b, int64(i%100), 10)
	return append(b, `.1"}`...)
}
