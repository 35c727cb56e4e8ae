import { Document, Value } from "./json";

// A form of a member for one language (RFC 7591 section 2.2).
export class Tagged {
  constructor(
    // The member's name, such as client_name or client_name#ja.
    public name: string,
    // The BCP 47 language tag as written, whose case does not matter; "" for the member without a tag.
    public tag: string,
    public value: Value,
  ) {}
}

// Returns all forms of a member of an object, the one without a tag first, the others in their order. Forms that are
// null are left out, since they count as absent. A policy about what users read, such as client_name, must look at all
// of them:
//
//     const forms = tagged(client(), "client_name");
//     for (let i = 0; i < forms.length; i++) …
export function tagged(object: Document, member: string): Tagged[] {
  const forms: Tagged[] = [], names = object.names();
  const bare = object.get(member);
  if (bare !== null && !bare.isNull()) forms.push(new Tagged(member, "", bare));
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (!name.startsWith(member + "#")) continue;
    const value = object.get(name)!;
    if (!value.isNull()) forms.push(new Tagged(name, name.substring(member.length + 1), value));
  }
  return forms;
}
