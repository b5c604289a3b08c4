package mail

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// NeedsUTF8 reports whether an address can be written to only through servers that offer SMTPUTF8 (RFC 6531): its part before the
// @ is not ASCII. A domain has a form in ASCII.
func NeedsUTF8(address string) bool {
	local, _, _ := strings.Cut(address, "@")
	return strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII })
}

// ascii writes the domain of an address as servers know it: info@müller.example goes to info@xn--mller-kva.example (RFC 5891).
func ascii(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	host, err := idna.Lookup.ToASCII(strings.ToLower(address[at+1:]))
	if err != nil {
		return "", refusal{reason: "the domain of the contact's address is not valid", problem: problemRefused}
	}
	return address[:at+1] + host, nil
}

// address writes the letter whose button confirms an address.
func (w writer) address() (letter, error) {
	if w.data["to"] == "" || w.data["token"] == "" {
		return letter{}, fmt.Errorf("%w: to and token are needed", errBadData)
	}
	l := w.frame(w.to.CustomerRef)
	say := func(part string) string { return w.T("mail."+ConfirmAddress+"."+part, "Product", l.Product) }
	l.Code = w.T("mail.code", "Code", w.to.CustomerRef)
	l.Rows = []row{w.row(w.T("mail.row.customer"), w.to.CustomerRef)}
	l.Subject, l.Preheader, l.Title, l.Paragraphs = say("subject"), say("preheader"), say("title"), []string{say("intro")}
	l.Next = []string{say("next1"), say("next2")}
	l.Button, l.URL, l.Why = say("button"), w.link+"/account/mail/"+url.PathEscape(w.data["token"]), say("why")
	return l, nil
}
