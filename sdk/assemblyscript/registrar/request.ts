import * as abi from "./abi";
import { utf8 } from "./encoding";

// Changes the request by a JSON Merge Patch (RFC 7396), as the steps that have not yet run read it, and reports whether
// the server accepted it: call it before base. It rejects members that an earlier step has set, that the software
// statement has, or that scripts may not change. Then nothing changes, and the log has the reason.
export function tryPatchRequest(json: string): bool {
  const p = utf8(json);
  return abi.patch_request(changetype<usize>(p), p.byteLength) == 0;
}
