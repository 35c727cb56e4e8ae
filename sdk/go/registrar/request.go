package registrar

// PatchRequest changes the request by a JSON Merge Patch (RFC 7396), as the steps that have not yet run read it: call
// it before [Base]. So a step checks and registers what the patch says, for example in set_grant_types
//
//	registrar.PatchRequest(`{"token_endpoint_auth_method":"none","require_client_secret":null}`)
//
// It returns a *[PatchError] and changes nothing if the patch is invalid, or changes members that an earlier step has
// set, that the software statement has, or that scripts may not change.
func PatchRequest(patch string) error {
	if patchRequest(patch) != 0 {
		return &PatchError{patch}
	}
	return nil
}
