// Actions of the conformance module.
import { base62, client, crc32, Document, Level, log, randomText, setItem, tagged, Uri } from "../registrar";

// Keeps the parts of each URI of the config's list "uris" in an item, as testdata/vectors/README.md says.
export function keepUris(settings: Document): void {
  const texts = settings.strings("uris");
  for (let i = 0; i < texts.length; i++) {
    const uri = Uri.parse(texts[i]);
    setItem(i.toString(), uri !== null ? parts(uri) : "");
  }
}

function parts(uri: Uri): string {
  const userInfo = uri.userInfo, query = uri.query, fragment = uri.fragment;
  const all = [
    uri.scheme, userInfo !== null ? userInfo + "@" : "-", uri.host, uri.port >= 0 ? ":" + uri.port.toString() : "-",
    uri.path, query !== null ? "?" + query : "-", fragment !== null ? "#" + fragment : "-",
  ];
  return all.map<string>((part) => (part.length > 0 ? part : "-")).join(" ");
}

// Logs the name, tag and text of each form of the config's "member" in the client.
export function logTagged(settings: Document): void {
  const forms = tagged(client(), settings.stringOr("member", ""));
  for (let i = 0; i < forms.length; i++) {
    const text = forms[i].value.string();
    log(Level.Info, forms[i].name + " " + forms[i].tag + " " + (text !== null ? text : ""));
  }
}

// Logs the checksum of each text of the config's list "texts".
export function logChecksums(settings: Document): void {
  const texts = settings.strings("texts");
  for (let i = 0; i < texts.length; i++) {
    const crc = crc32(texts[i]);
    log(Level.Info, crc.toString() + " " + base62(crc));
  }
}

// Logs a random text of the config's "alphabet" and "length".
export function logRandomText(settings: Document): void {
  log(Level.Info, randomText(settings.stringOr("alphabet", ""), <i32>settings.integer("length")));
}
