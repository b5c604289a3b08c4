package mail

import (
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// refund writes a letter about one refund: its words by the template's name, its reference, amount and method. What finance or
// the customer wrote is read in the portal only, as are bank details.
func (w writer) refund(template string) (letter, error) {
	ref, currency := w.data["refund"], w.data["currency"]
	minor, err := strconv.ParseInt(w.data["amount"], 10, 64)
	if ref == "" || currency == "" || err != nil {
		return letter{}, fmt.Errorf("%w: refund, amount and currency are needed", errBadData)
	}
	l := w.frame(ref)
	amount := w.Money(minor, currency)
	say := func(part string) string {
		return w.T("mail."+template+"."+part, "Product", l.Product, "Refund", ref, "Amount", amount)
	}
	l.Rows = []row{w.row(w.T("mail.row.refund"), ref), w.row(w.T("mail.row.amount"), amount)}
	if method := w.data["method"]; w.Has("mail.method." + method) {
		l.Rows = append(l.Rows, w.row(w.T("mail.row.method"), w.T("mail.method."+method)))
	}
	times, err := w.stages()
	if err != nil {
		return letter{}, err
	}
	l.Rows = append(l.Rows, times...)
	l.Subject, l.Preheader, l.Title, l.Paragraphs = say("subject"), say("preheader"), say("title"), []string{say("intro")}
	l.RowsTitle, l.Next = w.T("mail.rows_refund"), []string{say("next1"), say("next2")}
	l.Button, l.URL, l.Why = say("button"), w.link+"/refund/"+url.PathEscape(ref), w.T("mail.why_refund", "Product", l.Product)
	return l, nil
}

// stages are the days by which what is still to come of a refund is promised: decided, paid, on the customer's statement. Each begins
// where the one before it ends.
func (w writer) stages() (rows []row, err error) {
	if w.data["since"] == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, w.data["since"])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadData, err)
	}
	at = at.In(w.head.Zone)
	for _, stage := range []string{"review", "pay", "bank"} {
		text := w.data[stage+"_days"]
		if text == "" {
			continue
		}
		days, err := strconv.Atoi(text)
		if err != nil || days < 1 {
			return nil, fmt.Errorf("%w: %s_days is %q", errBadData, stage, text)
		}
		at = at.AddDate(0, 0, days)
		rows = append(rows, w.row(w.T("mail.stage."+stage), w.Date(at, w.head.Zone)))
	}
	return rows, nil
}
