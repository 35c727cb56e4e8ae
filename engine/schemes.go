package engine

import (
	"fmt"
	"slices"
	"strings"
)

// schemeProblem returns why a URI with the given scheme, in lower case, belongs neither to a web page nor to an app, or
// "". A private-use scheme is one that only the app claims (RFC 8252 §7.1): not one that IANA registers as permanent,
// and not one that browsers and operating systems handle, which would get the response instead of the app.
func schemeProblem(scheme string) string {
	const own = "use https, or a scheme that only the app claims, such as com.example.app"
	switch {
	case scheme == "https" || scheme == "http":
		return ""
	case slices.Contains(unsafeSchemes[:], scheme):
		return unsafeScheme(scheme)
	case scheme == "localhost":
		return "has no scheme before localhost: begin with http://"
	case listed(handledSchemes[:], scheme) || slices.ContainsFunc(handledPrefixes[:], func(prefix string) bool {
		return strings.HasPrefix(scheme, prefix)
	}):
		return fmt.Sprintf("has the scheme '%s', which browsers or systems handle themselves: %s", scheme, own)
	case listed(permanentSchemes[:], scheme):
		return fmt.Sprintf("has the scheme '%s', which IANA registers for another use: %s", scheme, own)
	}
	return ""
}

func unsafeScheme(scheme string) string {
	return fmt.Sprintf("has the scheme '%s', which is never safe", scheme)
}

func listed(sorted []string, scheme string) bool {
	_, found := slices.BinarySearch(sorted, scheme)
	return found
}

// unsafeSchemes lists schemes whose URIs run or show their own content, or open local files. Every URI member refuses
// them.
var unsafeSchemes = [...]string{"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source",
	"jar", "mhtml", "livescript", "mocha"}

// handledSchemes lists schemes that browsers and operating systems handle, or pass to a program that is not the
// client, sorted.
var handledSchemes = [...]string{
	"addressbook",
	"afp",
	"android",
	"android-app",
	"android-resource",
	"android.resource",
	"app-prefs",
	"app-settings",
	"applewebdata",
	"appstream",
	"apt",
	"attachment",
	"brave",
	"browserext",
	"callto",
	"calshow",
	"chrome",
	"chrome-devtools",
	"chrome-error",
	"chrome-extension",
	"chrome-native",
	"chrome-search",
	"chrome-untrusted",
	"cifs",
	"content",
	"cvs",
	"devtools",
	"disk",
	"dom-distiller",
	"ed2k",
	"edge",
	"facetime",
	"facetime-audio",
	"fax",
	"feed",
	"feeds",
	"finger",
	"firefox",
	"firefox-focus",
	"fish",
	"ftps",
	"ghelp",
	"git",
	"googlechrome",
	"googlechromes",
	"hcp",
	"help",
	"hxxp",
	"hxxps",
	"imessage",
	"indexeddb",
	"intent",
	"irc",
	"irc6",
	"ircs",
	"isolated-app",
	"itms",
	"itmss",
	"its",
	"itunes",
	"ldapi",
	"ldaps",
	"macappstore",
	"macappstores",
	"magnet",
	"map",
	"maps",
	"market",
	"message",
	"mk",
	"mms",
	"mmst",
	"mmsto",
	"mmsu",
	"openpgp4fpr",
	"opera",
	"package",
	"pcast",
	"prefs",
	"rdp",
	"res",
	"resource",
	"rlogin",
	"rtmp",
	"rtmps",
	"safari-extension",
	"safari-resource",
	"safari-web-extension",
	"search",
	"search-ms",
	"sftp",
	"shell",
	"shortcuts",
	"smb",
	"smsto",
	"snews",
	"ssh",
	"svn",
	"telprompt",
	"uuid-in-package",
	"vivaldi",
	"voicemail",
	"webcal",
	"webcals",
	"wifi",
	"wtai",
	"wyciwyg",
	"x-help-action",
	"x-man-page",
	"x-web-search",
}

// handledPrefixes lists how the names of such schemes begin. Any web site can register itself for a scheme that begins
// with web+, and any extension of a browser for one that begins with ext+.
var handledPrefixes = [...]string{"ms-", "microsoft-edge", "microsoft.windows.", "itms-", "x-apple", "x-safari-",
	"moz-", "web+", "ext+"}

// permanentSchemes lists the schemes that IANA registers as permanent, sorted:
// https://www.iana.org/assignments/uri-schemes.
var permanentSchemes = [...]string{
	"aaa",
	"aaas",
	"about",
	"acap",
	"acct",
	"cap",
	"cid",
	"coap",
	"coap+tcp",
	"coap+ws",
	"coaps",
	"coaps+tcp",
	"coaps+ws",
	"crid",
	"data",
	"dav",
	"dict",
	"dns",
	"dtn",
	"example",
	"file",
	"ftp",
	"geo",
	"go",
	"gopher",
	"h323",
	"http",
	"https",
	"iax",
	"icap",
	"im",
	"imap",
	"info",
	"ipn",
	"ipp",
	"ipps",
	"iris",
	"iris.beep",
	"iris.lwz",
	"iris.xpc",
	"iris.xpcs",
	"jabber",
	"ldap",
	"leaptofrogans",
	"mailto",
	"mid",
	"msrp",
	"msrps",
	"mt",
	"mtqp",
	"mupdate",
	"news",
	"nfs",
	"ni",
	"nih",
	"nntp",
	"opaquelocktoken",
	"pkcs11",
	"pop",
	"pres",
	"reload",
	"rtsp",
	"rtsps",
	"rtspu",
	"service",
	"session",
	"shttp",
	"sieve",
	"sip",
	"sips",
	"sms",
	"snmp",
	"soap.beep",
	"soap.beeps",
	"stun",
	"stuns",
	"swid",
	"swidpath",
	"tag",
	"tel",
	"telnet",
	"tftp",
	"thismessage",
	"tip",
	"tn3270",
	"turn",
	"turns",
	"tv",
	"urn",
	"vemmi",
	"vnc",
	"ws",
	"wss",
	"xcon",
	"xcon-userid",
	"xmlrpc.beep",
	"xmlrpc.beeps",
	"xmpp",
	"z39.50r",
	"z39.50s",
}
