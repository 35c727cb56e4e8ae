// A small JSON library for scripts: it reads lists, objects and strings directly in the text.
import { hexValue, MAX_DEPTH, Scanner } from "./scanner";

// The text of a JSON value.
export class Value {
  // For text that was checked before; else use Value.parse.
  constructor(private source: string, private start: i32, private end: i32) {}

  // Parses a text that is one value; null for other texts.
  static parse(text: string): Value | null {
    const s = new Scanner(text);
    s.space();
    const start = s.at;
    if (!s.value(MAX_DEPTH)) return null;
    const end = s.at;
    s.space();
    return s.at == text.length ? new Value(text, start, end) : null;
  }

  // The JSON text.
  text(): string {
    return this.source.substring(this.start, this.end);
  }

  private first(): i32 {
    return this.source.charCodeAt(this.start);
  }

  isNull(): bool {
    return this.first() == 0x6e;
  }

  isString(): bool {
    return this.first() == 0x22;
  }

  isList(): bool {
    return this.first() == 0x5b;
  }

  // The value of true or false, else the fallback.
  bool(fallback: bool = false): bool {
    if (this.first() == 0x74) return true;
    return this.first() == 0x66 ? false : fallback;
  }

  // The value of a number that is written without fraction and exponent, else the fallback.
  integer(fallback: i64 = 0): i64 {
    const negative = this.first() == 0x2d;
    let n: u64 = 0;
    const most: u64 = <u64>i64.MAX_VALUE + <u64>negative;
    let i = this.start + i32(negative);
    for (; i < this.end; i++) {
      const digit = this.source.charCodeAt(i) - 0x30;
      if (digit < 0 || digit > 9 || n > (most - <u64>digit) / 10) return fallback;
      n = 10 * n + <u64>digit;
    }
    return negative ? -(<i64>n) : <i64>n;
  }

  // The text of a string; null for other values.
  string(): string | null {
    return this.isString() ? unescape(this.source, this.start + 1, this.end - 1) : null;
  }

  // The elements of a list; none for other values.
  items(): Value[] {
    const list: Value[] = [];
    if (this.first() != 0x5b) return list;
    const s = new Scanner(this.source, this.start + 1);
    for (s.space(); !s.eat(0x5d); s.space()) {
      s.eat(0x2c);
      s.space();
      const start = s.at;
      if (!s.value(MAX_DEPTH)) break; // cannot happen: the text was checked
      list.push(new Value(this.source, start, s.at));
    }
    return list;
  }

  // The strings of a list. Other elements are left out.
  strings(): string[] {
    const list: string[] = [], items = this.items();
    for (let i = 0; i < items.length; i++) {
      const s = items[i].string();
      if (s !== null) list.push(s);
    }
    return list;
  }

  // The object; null for other values.
  document(): Document | null {
    return this.first() == 0x7b ? Document.parse(this.text()) : null;
  }

  // A member of an object; null if there is none.
  get(name: string): Value | null {
    const d = this.document();
    return d !== null ? d.get(name) : null;
  }
}

// An object and its text. It is parsed once; members are then found by name.
export class Document {
  private text_: string = "{}";
  private spans: i32[] = []; // per member: start and end of the name (with quotes) and of the value

  // Parses an object; null for other texts.
  static parse(text: string): Document | null {
    const d = new Document();
    return d.read(text) ? d : null;
  }

  // Parses text into this object and reports whether it is one.
  protected read(text: string): bool {
    const s = new Scanner(text);
    s.space();
    if (!s.object(MAX_DEPTH - 1, this.spans)) return false;
    s.space();
    this.text_ = text;
    return s.at == text.length;
  }

  // The JSON text.
  text(): string {
    return this.text_;
  }

  // The names of all members, in order.
  names(): string[] {
    const list: string[] = [];
    for (let i = 0; i < this.spans.length; i += 4) list.push(this.name(i));
    return list;
  }

  private name(i: i32): string {
    return unescape(this.text_, this.spans[i] + 1, this.spans[i + 1] - 1);
  }

  // The member of that name, which may be a JSON null (see Value.isNull); null if there is none.
  get(name: string): Value | null {
    for (let i = 0; i < this.spans.length; i += 4) {
      if (this.isNamed(i, name)) return new Value(this.text_, this.spans[i + 2], this.spans[i + 3]);
    }
    return null;
  }

  private isNamed(i: i32, name: string): bool {
    const start = this.spans[i] + 1, length = this.spans[i + 1] - 1 - start;
    if (length < name.length) return false; // an escape is longer than its character
    if (length == name.length) {
      for (let j = 0; j < length; j++) {
        const c = this.text_.charCodeAt(start + j);
        if (c != name.charCodeAt(j) || c == 0x5c) return false;
      }
      return true;
    }
    return indexOf(this.text_, 0x5c, start, start + length) >= 0 && this.name(i) == name;
  }

  // The member of that name, if it is a string.
  string(name: string): string | null {
    const v = this.get(name);
    return v !== null ? v.string() : null;
  }

  // Like string, but returns the fallback if there is none.
  stringOr(name: string, fallback: string): string {
    const s = this.string(name);
    return s !== null ? s : fallback;
  }

  // The strings of the list of that name; none if there is no list.
  strings(name: string): string[] {
    const v = this.get(name);
    return v !== null ? v.strings() : [];
  }

  // The member of that name, if it is true or false, else the fallback.
  bool(name: string, fallback: bool = false): bool {
    const v = this.get(name);
    return v !== null ? v.bool(fallback) : fallback;
  }

  // The member of that name, if it is a number without fraction and exponent, else the fallback.
  integer(name: string, fallback: i64 = 0): i64 {
    const v = this.get(name);
    return v !== null ? v.integer(fallback) : fallback;
  }

  // The member of that name, if it is an object.
  document(name: string): Document | null {
    const v = this.get(name);
    return v !== null ? v.document() : null;
  }
}

// Returns text as a JSON string.
export function quote(text: string): string {
  const parts: string[] = ["\""];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x20 && c != 0x22 && c != 0x5c) continue;
    parts.push(text.substring(from, i));
    parts.push(c < 0x20 ? "\\u00" + (c < 0x10 ? "0" : "") + c.toString(16) : c == 0x22 ? "\\\"" : "\\\\");
    from = i + 1;
  }
  parts.push(text.substring(from));
  parts.push("\"");
  return parts.join("");
}

function indexOf(text: string, c: i32, start: i32, end: i32): i32 {
  for (let i = start; i < end; i++) {
    if (text.charCodeAt(i) == c) return i;
  }
  return -1;
}

// Decodes the escapes of a string between two offsets of a text, without its quotes.
function unescape(text: string, start: i32, end: i32): string {
  if (indexOf(text, 0x5c, start, end) < 0) return text.substring(start, end);
  const out = new StaticArray<u16>(end - start);
  let n = 0;
  for (let i = start; i < end; i++) {
    let c = text.charCodeAt(i);
    if (c == 0x5c) {
      c = text.charCodeAt(++i);
      if (c == 0x75) { // u
        c = 0;
        for (let j = 0; j < 4; j++) c = (c << 4) | hexValue(text.charCodeAt(++i));
      } else {
        c = c == 0x62 ? 0x08 : c == 0x66 ? 0x0c : c == 0x6e ? 0x0a : c == 0x72 ? 0x0d : c == 0x74 ? 0x09 : c;
      }
    }
    out[n++] = <u16>c;
  }
  return String.UTF16.decodeUnsafe(changetype<usize>(out), n << 1);
}
