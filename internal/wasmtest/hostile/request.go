package hostile

// hostRequests patch the request in ways that no client's request could take.
func hostRequests() []Module {
	return []Module{
		ends("request-deep", "a patch of the request of 60,000 arrays inside each other: it must be no valid patch",
			deepPatchBy("patch_request", 60_000, 0, must), Harmless),
		ends("request-deep-heavy", "the same with 9,000 around a string of 100 KB",
			deepPatchBy("patch_request", 9_000, 100_000, must), Harmless),
		ends("request-broken", "patches of the request that are no JSON, no object, no UTF-8: none may be valid",
			requestPatches("set_client_name", "", "null", "[]", "{", `{"client_name":"\ud800"}`,
				"{\"client_name\":\"\xff\"}", `{"client_name":"a","client_name":"b"}`), Harmless),
		ends("request-reserved", "patches of what only the server or the client sets: none may be valid",
			requestPatches("validate_software_statement", `{"client_id":"x"}`, `{"client\u005fid":"x"}`,
				`{"client_secret":"x"}`, `{"registration_access_token":"x"}`, `{"software_statement":"a.b.c"}`,
				`{"software\u005fstatement":null}`), Harmless),
		ends("request-late", "patches of what the steps before have checked: none may be valid",
			requestPatches("set_client_name", `{"redirect_uris":["http://attacker.example"]}`,
				`{"token_endpoint_auth_method":"none"}`, `{"scope":"admin"}`, `{"jwks":null}`), Harmless),
		ends("request-growing-endless", "patches of the request that add a member of 120 KB each, for ever",
			growingRequest(), Failed, Saturated),
	}
}

// requestPatches patches the request in a step, before its base, by each text. Each must be rejected.
func requestPatches(step string, texts ...string) *script {
	s := empty()
	base, patch := s.imported("call_base"), s.imported("patch_request")
	at, calls := uint32(0), ""
	for _, text := range texts {
		s.text(at, text)
		calls += i32(at) + i32(uint32(len(text))) + call(patch) + must
		at += uint32(len(text))
	}
	return s.step(step, "", calls+call(base))
}

// growingRequest patches the request by names of 120 KB, each in a language of its own.
func growingRequest() *script {
	s := empty()
	s.pages(4)
	patch := s.imported("patch_request")
	const lead, value = `{"client_name#x-aaa":"`, 120_000
	at := uint32(len(lead))
	s.text(0, lead)
	return s.step("set_client_name", someLocals,
		i32(at)+i32('v')+i32(value)+memoryFill+i32(at+value)+i32('"')+i32(1)+memoryFill+
			i32(at+value+1)+i32('}')+i32(1)+memoryFill+
			forever(letterOf(at-4, 1)+letterOf(at-5, 26)+letterOf(at-6, 676)+
				get(0)+i32(1)+add+"\x21\x00"+i32(0)+i32(at+value+2)+call(patch)+drop)+i32(0))
}

// letterOf stores a letter that local 0 gives, in base 26: its digit after a division by divisor.
func letterOf(offset, divisor uint32) string {
	return i32(0) + get(0) + i32(divisor) + "\x6e" + i32(26) + "\x70" + i32('a') + add + "\x3a\x00" + u32(offset)
}
