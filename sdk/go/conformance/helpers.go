//go:build wasip1

package main

import (
	"strconv"
	"strings"

	"registrar/sdk/go/registrar"
)

// uris keeps the parts of each URI of the config's list "uris" in an item, as testdata/vectors/README.md says.
func uris(config registrar.Value) {
	for i, uri := range config.Get("uris").Strings() {
		u, ok := registrar.ParseURI(uri)
		if !ok {
			registrar.SetItem(strconv.Itoa(i), "")
			continue
		}
		list := []string{u.Scheme, "-", u.Host, "-", u.Path, "-", "-"}
		if u.HasUserInfo {
			list[1] = u.UserInfo + "@"
		}
		if u.Port >= 0 {
			list[3] = ":" + strconv.Itoa(u.Port)
		}
		if u.HasQuery {
			list[5] = "?" + u.Query
		}
		if u.HasFragment {
			list[6] = "#" + u.Fragment
		}
		for i, part := range list {
			if part == "" {
				list[i] = "-"
			}
		}
		registrar.SetItem(strconv.Itoa(i), strings.Join(list, " "))
	}
}

// tagged logs the name, tag and text of each form of the config's "member" in the client.
func tagged(config registrar.Value) {
	for _, form := range registrar.Client().Tagged(config.Get("member").Text()) {
		registrar.Log(registrar.LevelInfo, form.Name+" "+form.Tag+" "+form.Value.Text())
	}
}

// checksums logs the checksum of each text of the config's list "texts".
func checksums(config registrar.Value) {
	for _, text := range config.Get("texts").Strings() {
		crc := registrar.CRC32(text)
		registrar.Log(registrar.LevelInfo, strconv.FormatUint(uint64(crc), 10)+" "+registrar.EncodeBase62(crc))
	}
}

// randomText logs a random text of the config's "alphabet" and "length".
func randomText(config registrar.Value) {
	length, _ := config.Get("length").Int()
	registrar.Log(registrar.LevelInfo, registrar.RandomText(config.Get("alphabet").Text(), int(length)))
}
