package mail

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// choice writes a letter about a replacement: its name, the code of its offer and the offer's last moment, as far as there
// are any.
func (w writer) choice(template string) (letter, error) {
	key := w.data["replacement"]
	if key == "" {
		return letter{}, fmt.Errorf("%w: replacement is needed", errBadData)
	}
	name := w.replacementName()
	code, err := w.code()
	if err != nil {
		return letter{}, err
	}
	l := w.frame(key)
	l.Rows = []row{w.row(w.T("mail.row.replacement"), name)}
	if code != "" {
		offered := w.row(w.T("mail.row.code"), code)
		offered.Strong = true
		l.Rows = append(l.Rows, offered)
	}
	day := ""
	if until := w.data["until"]; until != "" {
		end, err := time.Parse(time.RFC3339, until)
		if err != nil {
			return letter{}, fmt.Errorf("%w: %w", errBadData, err)
		}
		day = w.Date(end, w.head.Zone)
		l.Rows = append(l.Rows, w.row(w.T("mail.row.offer_until"), w.DateClock(end, w.head.Zone)))
		l.ZoneNote = w.T("time.zone_note", "Zone", w.ZoneName(w.head.Zone, end))
	}
	say := func(part string) string {
		return w.T("mail."+template+"."+part, "Product", l.Product, "Replacement", name, "Day", day)
	}
	l.Subject, l.Preheader, l.Title, l.Paragraphs = say("subject"), say("preheader"), say("title"), []string{say("intro")}
	if template == ChoiceMade && w.data["waiting"] != "" {
		l.Paragraphs = append(l.Paragraphs, say("waiting"))
	}
	l.Next = []string{say("next1"), say("next2")}
	l.Button, l.URL = say("button"), w.link+"/replacements/"+url.PathEscape(key)
	if template == ChoiceWithdrawn {
		l.URL = w.link + "/replacements"
	}
	l.Why = w.T("mail.why_choice", "Product", l.Product)
	return l, nil
}

// replacementName is the name in the reader's language, in any other, or else the key.
func (w writer) replacementName() string {
	names := map[string]string{}
	for key, name := range w.data {
		if tag, ok := strings.CutPrefix(key, "name."); ok {
			names[tag] = oneLine(name)
		}
	}
	if name := w.Pick(names); name != "" {
		return name
	}
	return w.data["replacement"]
}

// code is the offer's code: plain where it is the same for everybody, sealed where it is the customer's own.
func (w writer) code() (string, error) {
	if w.data["sealed"] == "" {
		return oneLine(w.data["code"]), nil
	}
	if w.open == nil {
		return "", fmt.Errorf("%w: nothing opens a sealed code", errBadData)
	}
	return w.open(w.data["sealed"], w.data["owner"])
}

// moved writes the letter that follows step 5.
func (w writer) moved() letter {
	l := w.frame(w.to.CustomerRef)
	say := func(part string) string { return w.T("mail."+MoveConfirmed+"."+part, "Product", l.Product) }
	l.Code = w.T("mail.code", "Code", w.to.CustomerRef)
	l.Rows = []row{w.row(w.T("mail.row.customer"), w.to.CustomerRef)}
	l.Subject, l.Preheader, l.Title, l.Paragraphs = say("subject"), say("preheader"), say("title"), []string{say("intro")}
	l.Next = []string{say("next1"), say("next2")}
	l.Button, l.URL, l.Why = say("button"), w.link+"/plan", w.T("mail.why_choice", "Product", l.Product)
	return l
}
