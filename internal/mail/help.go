package mail

import (
	"fmt"

	"offramp/internal/locale"
)

// desk is the programme's help desk as the recipient of a mail about a contact's request. It reads in the language given, also
// when the contact is no longer active. Without an address nobody gets it.
func desk(head Letterhead, about recipient, tag string) recipient {
	return recipient{Name: locale.For(tag).Pick(head.Company), Email: head.Email, Locale: tag, CustomerRef: about.CustomerRef, Active: head.Email != ""}
}

// help writes a letter about a request for help: its words by the template's name, the numbers that people quote, and where
// to go on. What the customer wrote is read in the portal only.
func (w writer) help(template, path string) (letter, error) {
	request, reference := w.data["request"], w.data["reference"]
	if request == "" || w.data["request_id"] == "" {
		return letter{}, fmt.Errorf("%w: request and request_id are needed", errBadData)
	}
	l := w.frame(request)
	say := func(part string) string {
		return w.T("mail."+template+"."+part, "Product", l.Product, "Request", request, "Customer", w.to.CustomerRef)
	}
	l.Rows = []row{w.row(w.T("mail.row.request"), request)}
	if reference != "" {
		l.Rows = append(l.Rows, w.row(w.T("mail.row.reference"), reference))
	}
	if template == HelpRequest || template == HelpLate {
		l.Rows = append(l.Rows, w.row(w.T("mail.row.customer"), w.to.CustomerRef))
	}
	l.Subject, l.Preheader, l.Title, l.Paragraphs = say("subject"), say("preheader"), say("title"), []string{say("intro")}
	l.RowsTitle, l.Next = w.T("mail.rows_help"), []string{say("next1"), say("next2")}
	l.Button, l.URL, l.Why = say("button"), w.link+path, say("why")
	return l, nil
}
