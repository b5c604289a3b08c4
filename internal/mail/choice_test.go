package mail_test

import (
	"strings"
	"testing"

	"offramp/internal/db"
	"offramp/internal/mail"
)

// tell enqueues a mail about a choice.
func (o *office) tell(contact, template string, data map[string]string) (id int64) {
	o.Helper()
	args := mail.Args{Template: template, CustomerID: contact, ContactID: contact, Key: "k", Data: data}
	err := o.db.InTx(o.Context(), db.CustomerScope(contact), func(tx *db.Tx) (err error) {
		id, err = o.inserter.InsertTx(o.Context(), tx, args, nil)
		return err
	})
	if err != nil {
		o.Fatal(err)
	}
	return id
}

func TestMailsAboutChoices(t *testing.T) {
	t.Parallel()
	o := open(t)
	base := map[string]string{"replacement": "drift", "name.en": "Driftboard", "name.zh-CN": "浮板", "until": "2026-11-28T15:59:59Z"}
	with := func(more ...string) map[string]string {
		data := map[string]string{}
		for k, v := range base {
			data[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			data[more[i]] = more[i+1]
		}
		return data
	}
	for _, c := range []struct {
		locale, template string
		data             map[string]string
		subject          string
		lines            []string
		link             string
	}{
		{"en", mail.ChoiceMade, with("code", "SAVE-1"), "You chose Driftboard", []string{"SAVE-1", "28 November 2026"}, "/replacements/drift"},
		{"zh-CN", mail.ChoiceMade, with("waiting", "yes"), "您已选择浮板", []string{"等候名单", "2026年11月28日"}, "/replacements/drift"},
		{"en", mail.CodeReady, with("code", "SAVE-2"), "Your code for Driftboard", []string{"SAVE-2"}, "/replacements/drift"},
		{"zh-CN", mail.CodeReady, with("code", "SAVE-2"), "您的浮板优惠码", []string{"SAVE-2"}, "/replacements/drift"},
		{"en", mail.OfferExpiring, with("code", "SAVE-3"), "Your offer for Driftboard ends on 28 November 2026", []string{"SAVE-3"}, "/replacements/drift"},
		{"zh-CN", mail.OfferExpiring, with("code", "SAVE-3"), "您的浮板优惠将于2026年11月28日结束", []string{"SAVE-3"}, "/replacements/drift"},
		{"en", mail.ChoiceWithdrawn, with(), "Driftboard is no longer on offer: choose again", []string{"Driftboard"}, "/replacements"},
		{"zh-CN", mail.ChoiceWithdrawn, with(), "浮板已不再提供，请重新选择", []string{"浮板"}, "/replacements"},
		{"en", mail.MoveConfirmed, nil, "You have confirmed your move from Hezhou Teamwork", []string{"Hezhou Teamwork"}, "/plan"},
		{"zh-CN", mail.MoveConfirmed, nil, "您已确认从合舟协作迁出", []string{"合舟协作"}, "/plan"},
	} {
		address := c.template + "." + c.locale + "@example.com"
		o.tell(o.contact(c.template+c.locale, "李雷", address, c.locale), c.template, c.data)
		m := o.receive(address)
		if m.Subject != c.subject {
			t.Errorf("subject %q, want %q", m.Subject, c.subject)
		}
		words := tag.ReplaceAllString(m.HTML, "\n")
		for part, text := range map[string]string{"text": m.Text, "HTML": words} {
			for _, want := range append(c.lines, "HZ-"+c.template+c.locale, "moving@hezhou.example", "李雷") {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: no %q in the %s part:\n%s", c.template, c.locale, want, part, text)
				}
			}
			if strings.Contains(text, "⟦") || strings.Contains(text, "{{") {
				t.Errorf("%s %s: an unfilled word in the %s part:\n%s", c.template, c.locale, part, text)
			}
			if found := halfWidth.FindString(text); c.locale == "zh-CN" && found != "" {
				t.Errorf("%s: half-width punctuation %q in the %s part", c.template, found, part)
			}
		}
		if !strings.Contains(m.Text, portal+c.link+"\r\n") {
			t.Errorf("%s: no link to %s:\n%s", c.template, c.link, m.Text)
		}
	}
	for name, data := range map[string]map[string]string{"no replacement": {}, "no opener": with("sealed", "v1.x.y", "owner", "o"), "no instant": with("until", "soon")} {
		o.settled(o.tell(o.contact(name, "Ann", "ann@example.com", "en"), mail.ChoiceMade, data), "cancelled")
	}
}
