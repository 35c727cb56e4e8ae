// Tests that need no server. Each exported function is a test, which traps if it fails.
import { base64url, Document, hex, Patch, quote, Value } from "../registrar";
import { MAX_DEPTH } from "../registrar/scanner";

function same(got: string, want: string, what: string): void {
  assert(got == want, what + ": got " + got + ", want " + want);
}

function document(text: string): Document {
  const d = Document.parse(text);
  assert(d !== null, text);
  return d!;
}

function value(text: string): Value {
  const v = Value.parse(text);
  assert(v !== null, text);
  return v!;
}

export function members_are_found_by_name_and_type(): void {
  const d = document(" {\"s\": \"x\", \"n\": -12, \"b\":true,\"z\":null , \"l\":[\"a\",1,\"b\"],\"o\":{\"in\":{\"deep\":[2]}} } ");
  same(d.stringOr("s", ""), "x", "s");
  assert(d.integer("n") == -12 && d.bool("b") && d.get("z")!.isNull(), "n, b, z");
  same(d.strings("l").join(","), "a,b", "l");
  same(d.document("o")!.get("in")!.get("deep")!.text(), "[2]", "o");
  same(d.names().join(","), "s,n,b,z,l,o", "names");
  assert(d.string("n") === null && d.string("in") === null && d.get("missing") === null && d.document("s") === null, "other types");
  assert(d.integer("s", 7) == 7 && d.bool("z", true) && !d.bool("z") && d.strings("s").length == 0, "fallbacks");
}

export function strings_say_what_they_escape(): void {
  same(value("\"\"").string()!, "", "empty");
  same(value("\"plain \u00e4\"").string()!, "plain \u00e4", "plain");
  same(value("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"").string()!, "\"\\/\b\f\n\r\t", "short");
  same(value("\"\\u00e4\\u0000x\"").string()!, "\u00e4\0x", "units");
  same(value("\"\\ud83D\\uDE00!\"").string()!, "\ud83d\ude00!", "a pair");
  assert(value("1").string() === null, "a number");
}

export function names_may_be_escaped(): void {
  const d = document("{\"\\u0061b\":1,\"a\\\"\":2}");
  assert(d.integer("ab") == 1 && d.integer("a\"") == 2 && d.integer("\\u0061b") == 0);
}

export function lists_end(): void {
  const texts = ["[]", "[ ]", "{\"a\":1}", "1"];
  for (let i = 0; i < texts.length; i++) assert(value(texts[i]).items().length == 0, texts[i]);
  same(value("[ [1, 2] , \"]\" ,{} ]").items().map<string>((v) => v.text()).join("|"), "[1, 2]|\"]\"|{}", "items");
}

export function what_is_no_json_is_refused(): void {
  const texts = [
    "", " ", "nul", "nulll", "-", ".5", "1.", "1e", "01", "+1", "\"", "\"\n\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u12\"", "\"\\", "[", "[1", "[1,]", "[1 2]", "{",
    "{a:1}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{} x", "1 2",
  ];
  for (let i = 0; i < texts.length; i++) {
    assert(Value.parse(texts[i]) === null, texts[i]);
    assert(Document.parse(texts[i]) === null, texts[i]);
  }
  assert(Document.parse("[]") === null, "a list");
}

export function what_is_json_is_taken_whole(): void {
  const texts = ["null", "true", "0", "-0.5e+10", "1E2", "\"a\\u00e4\\n\\\\\"", "[ 1 , [2] ]", "{}", "{ \"a\" : {\"b\":[]} , \"c\":1 }"];
  for (let i = 0; i < texts.length; i++) same(value(" " + texts[i] + "\n").text(), texts[i], "text");
}

export function nesting_is_bounded(): void {
  assert(Value.parse("[".repeat(MAX_DEPTH) + "]".repeat(MAX_DEPTH)) !== null, "at the bound");
  assert(Value.parse("[".repeat(MAX_DEPTH + 1) + "]".repeat(MAX_DEPTH + 1)) === null, "beyond it");
  assert(Value.parse("[".repeat(100000)) === null, "far beyond it");
}

export function numbers_are_whole_or_none(): void {
  assert(value("9223372036854775807").integer() == i64.MAX_VALUE, "the largest");
  assert(value("-9223372036854775808").integer() == i64.MIN_VALUE, "the smallest");
  const others = ["9223372036854775808", "-9223372036854775809", "99999999999999999999", "1.0", "1e3", "\"1\"", "null", "{}"];
  for (let i = 0; i < others.length; i++) assert(value(others[i]).integer(-7) == -7, others[i]);
}

export function what_is_written_is_read_again(): void {
  same(
    new Patch().string("s", "a \"b\" \\ \n \u00e4").integer("n", -5).bool("b", true).strings("l", ["x", "y\""]).json("o", "{}").remove("gone").text(),
    "{\"s\":\"a \\\"b\\\" \\\\ \\u000a \u00e4\",\"n\":-5,\"b\":true,\"l\":[\"x\",\"y\\\"\"],\"o\":{},\"gone\":null}", "a patch");
  same(new Patch().text(), "{}", "no patch");
  const texts = ["", "plain", "\"", "\\", "\0\x1f\x7f\u2028", "\u00e4\ud83d\ude00"];
  for (let i = 0; i < texts.length; i++) {
    const d = document(new Patch().string(texts[i], texts[i]).text());
    same(d.stringOr(texts[i], "none"), texts[i], quote(texts[i]));
  }
}

export function bytes_become_text(): void {
  const bytes = new Uint8Array(4);
  bytes[1] = 0x0f; bytes[2] = 0xa0; bytes[3] = 0xff;
  same(hex(bytes), "000fa0ff", "hex");
  same(hex(new Uint8Array(0)), "", "hex of nothing");
  // RFC 4648 section 10, without the padding.
  const texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"], want = ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"];
  for (let i = 0; i < texts.length; i++) same(base64url(Uint8Array.wrap(String.UTF8.encode(texts[i]))), want[i], texts[i]);
  bytes[0] = 0xfb; bytes[1] = 0xff; bytes[2] = 0xfe;
  same(base64url(bytes.subarray(0, 3)), "-__-", "the last letters");
}
