// Members of the configuration that must be there.
import * as abi from "./abi";
import { utf8 } from "./encoding";
import { Document, Value } from "./json";

// The script's configuration.
export class Config extends Document {
  constructor(text: string) {
    super();
    assert(this.read(text), "the server writes objects");
  }

  // Returns a member that must be there: config().require("brands").strings(). If it is missing or null, the script
  // fails, and the server's log says which member is wrong. The methods of Required fail likewise if it has another
  // type.
  require(name: string): Required {
    return required(this.get(name), name);
  }
}

function required(value: Value | null, member: string): Required {
  if (value === null || value.isNull()) {
    fail(member, "is missing");
    return unreachable();
  }
  return new Required(value, member);
}

// Ends the script because of a member of the configuration.
function fail(member: string, problem: string): void {
  const reason = utf8("config: member \"" + member + "\" " + problem);
  abi.fail(changetype<usize>(reason), reason.byteLength);
  unreachable();
}

// A member of the configuration that is there. Its methods end the script if it has another type than they say.
export class Required {
  // For Config.require.
  constructor(private json: Value, private member: string) {}

  // A value of any type but null.
  value(): Value {
    return this.json;
  }

  private must(has: bool, want: string): void {
    if (!has) fail(this.member, "must be " + want);
  }

  // A member of the object that this must be, as Config.require returns it.
  require(name: string): Required {
    return required(this.document().get(name), this.member + "." + name);
  }

  // The text of a string.
  string(): string {
    const s = this.json.string();
    this.must(s !== null, "a string");
    return s !== null ? s : "";
  }

  // The elements of a list of strings. The list may be empty; an element of another type ends the script.
  strings(): string[] {
    const items = this.json.items(), list = this.json.strings();
    this.must(this.json.isList() && items.length == list.length, "a list of strings");
    return list;
  }

  // A number that fits an i64 and is written without fraction and exponent.
  integer(): i64 {
    const n = this.json.integer(0);
    this.must(n != 0 || this.json.integer(1) == 0, "an integer");
    return n;
  }

  // true or false.
  bool(): bool {
    const b = this.json.bool(false);
    this.must(b || !this.json.bool(true), "true or false");
    return b;
  }

  // An object.
  document(): Document {
    const d = this.json.document();
    this.must(d !== null, "an object");
    return d !== null ? d : unreachable();
  }
}
