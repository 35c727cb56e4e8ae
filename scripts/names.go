package scripts

import "strings"

// Names returns the names of scripts in words, the outermost first.
func Names(list []Script) string {
	if len(list) == 0 {
		return "no scripts"
	}
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}
