import { fail } from "./abi";
import { utf8 } from "./encoding";

// Replaces env.abort, which the server does not have: asc --use abort=registrar/abort/abort. The script fails, and the
// server's log shows the error as the reason.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const place = (file !== null ? file : "?") + ":" + line.toString() + ":" + column.toString();
  const text = (message !== null ? message : "aborted") + " at " + place;
  const bytes = utf8(text);
  fail(changetype<usize>(bytes), bytes.byteLength);
  unreachable();
}
