package customer

import (
	"encoding/json"
	"strings"

	"offramp/internal/locale"
	"offramp/static"
)

// checkScript checks downloaded files in the browser. Its head says what it needs of the page.
const checkScript = "js/check.js"

// checkSpoken are the messages that the script says, and the placeholders that it fills itself.
var (
	checkSpoken = strings.Fields(`reading volume whole damaged damagedMore range and cut longer again foreign unreadable missing
		oneWhole allWhole someWhole stopped unavailable`)
	checkSlots = strings.Fields("Name Number Count Done Size Percent From To Ranges")
)

// checkBrowserView is the part of a page that checks downloaded volumes in the browser.
type checkBrowserView struct {
	l       *locale.Locale
	volumes string // address of the volumes' list, on this site
	script  string
	words   string // of the script, as JSON; a placeholder {name} is for the script
}

// newCheckBrowser makes the part of the page of an export at exportURL. The list of its volumes is at
// exportURL/volumes.json and has the form that the script's head gives.
func newCheckBrowser(l *locale.Locale, exportURL string) checkBrowserView {
	slots := make([]any, 0, 2*len(checkSlots))
	for _, name := range checkSlots {
		slots = append(slots, name, "{"+strings.ToLower(name)+"}")
	}
	words := make(map[string]string, len(checkSpoken))
	for _, name := range checkSpoken {
		words[name] = l.T("check.say."+name, slots...)
	}
	text, err := json.Marshal(words)
	if err != nil {
		panic(err) // texts by name
	}
	return checkBrowserView{l: l, volumes: exportURL + "/volumes.json", script: static.URL(checkScript), words: string(text)}
}
