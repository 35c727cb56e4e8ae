import { log } from "./abi";
import { utf8 } from "./encoding";

// Replaces env.abort, which the server does not have: asc --use abort=registrar/abort/abort. It logs the error, and the
// script fails.
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const text = (message !== null ? message : "aborted") + " at " + (file !== null ? file : "?") + ":" + line.toString() + ":" + column.toString();
  const bytes = utf8(text);
  log(3, changetype<usize>(bytes), bytes.byteLength);
  unreachable();
}
