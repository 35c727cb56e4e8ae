// The maximum nesting of objects and lists, as in the server.
export const MAX_DEPTH: i32 = 100;

// Skips values. It accepts only strict JSON (RFC 8259), but also duplicate members and halves of surrogate pairs, which
// the server never passes to scripts. Methods return false for other text.
export class Scanner {
  constructor(public text: string, public at: i32 = 0) {}

  // The next character, or -1 at the end.
  @inline peek(): i32 {
    return this.at < this.text.length ? <i32>load<u16>(changetype<usize>(this.text) + (<usize>this.at << 1)) : -1;
  }

  space(): void {
    for (let c = this.peek(); c == 0x20 || c == 0x09 || c == 0x0a || c == 0x0d; c = this.peek()) this.at++;
  }

  // Skips a character, if it is the next one.
  eat(c: i32): bool {
    if (this.peek() != c) return false;
    this.at++;
    return true;
  }

  // Skips a value, without surrounding white space. room is the depth that is left.
  value(room: i32): bool {
    switch (this.peek()) {
      case 0x7b: return room > 0 && this.object(room - 1, null); // {
      case 0x5b: return room > 0 && this.list(room - 1); // [
      case 0x22: return this.string(); // "
      case 0x74: return this.word("true");
      case 0x66: return this.word("false");
      case 0x6e: return this.word("null");
      default: return this.number();
    }
  }

  // Skips an object. It appends the start and end of each name and value to spans: four numbers per member.
  object(room: i32, spans: i32[] | null): bool {
    if (!this.eat(0x7b)) return false;
    this.space();
    if (this.eat(0x7d)) return true;
    while (true) {
      this.space();
      const name = this.at;
      if (!this.string()) return false;
      const nameEnd = this.at;
      this.space();
      if (!this.eat(0x3a)) return false; // :
      this.space();
      const value = this.at;
      if (!this.value(room)) return false;
      if (spans !== null) {
        spans.push(name);
        spans.push(nameEnd);
        spans.push(value);
        spans.push(this.at);
      }
      this.space();
      if (!this.eat(0x2c)) return this.eat(0x7d);
    }
  }

  private list(room: i32): bool {
    this.at++;
    this.space();
    if (this.eat(0x5d)) return true;
    while (true) {
      this.space();
      if (!this.value(room)) return false;
      this.space();
      if (!this.eat(0x2c)) return this.eat(0x5d);
    }
  }

  // Skips a string with its quotes. Requests are mostly strings, so this must be fast.
  string(): bool {
    if (!this.eat(0x22)) return false;
    const start = changetype<usize>(this.text), end = start + (<usize>this.text.length << 1);
    let p = start + (<usize>this.at << 1);
    while (p < end) {
      const c = load<u16>(p);
      p += 2;
      if (c == 0x22) {
        this.at = <i32>((p - start) >> 1);
        return true;
      }
      if (c < 0x20) return false;
      if (c == 0x5c) {
        p = escape(p, end);
        if (p == 0) return false;
      }
    }
    return false;
  }

  private word(word: string): bool {
    for (let i = 0; i < word.length; i++) {
      if (!this.eat(word.charCodeAt(i))) return false;
    }
    return true;
  }

  private number(): bool {
    this.eat(0x2d); // -
    if (!this.eat(0x30) && !this.digits()) return false;
    if (this.eat(0x2e) && !this.digits()) return false; // .
    if (this.eat(0x65) || this.eat(0x45)) { // e
      if (!this.eat(0x2b)) this.eat(0x2d);
      return this.digits();
    }
    return true;
  }

  private digits(): bool {
    const start = this.at;
    for (let c = this.peek(); c >= 0x30 && c <= 0x39; c = this.peek()) this.at++;
    return this.at > start;
  }
}

// Returns the end of the escape after a backslash, or 0 if it is invalid.
function escape(p: usize, end: usize): usize {
  if (p == end) return 0;
  const c = load<u16>(p);
  p += 2;
  if (c != 0x75)
    return c == 0x22 || c == 0x5c || c == 0x2f || c == 0x62 || c == 0x66 || c == 0x6e || c == 0x72 || c == 0x74 ? p : 0;
  if (end - p < 8) return 0;
  for (const after = p + 8; p < after; p += 2) {
    if (hexValue(load<u16>(p)) < 0) return 0;
  }
  return p;
}

// The value of a hexadecimal digit, or -1.
export function hexValue(c: i32): i32 {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  c |= 0x20;
  return c >= 0x61 && c <= 0x66 ? c - 0x61 + 10 : -1;
}
