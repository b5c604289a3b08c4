package mail_test

import (
	"strings"
	"testing"

	"offramp/internal/db"
	"offramp/internal/mail"
)

// ask enqueues a mail about a request for help.
func (o *office) ask(contact, template string) {
	o.Helper()
	args := mail.Args{Template: template, CustomerID: contact, ContactID: contact, Key: "k", Data: map[string]string{
		"request_id": "RID", "request": "HR-10007", "export_id": "EXID", "reference": "EX-10001", "desk": "zh-CN",
	}}
	err := o.db.InTx(o.Context(), db.CustomerScope(contact), func(tx *db.Tx) (err error) {
		_, err = o.inserter.InsertTx(o.Context(), tx, args, nil)
		return err
	})
	if err != nil {
		o.Fatal(err)
	}
}

func TestMailsAboutRequestsForHelp(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, c := range []struct{ locale, template, subject, link string }{
		{"en", mail.HelpReceived, "We have your request HR-10007 about Hezhou Teamwork", "/help/RID"},
		{"zh-CN", mail.HelpReceived, "我们已收到您关于合舟协作的求助HR-10007", "/help/RID"},
		{"en", mail.HelpAnswered, "We have answered your request HR-10007", "/help/RID"},
		{"zh-CN", mail.HelpAnswered, "您的求助HR-10007已有答复", "/help/RID"},
		{"en", mail.HelpRequest, "客户HZ-help_requesten求助：HR-10007", "/console/support/help/RID"},
	} {
		address := c.template + "." + c.locale + "@example.com"
		o.ask(o.contact(c.template+c.locale, "李雷", address, c.locale), c.template)
		desk := c.template == mail.HelpRequest
		if desk {
			address = "moving@hezhou.example"
		}
		m := o.receive(address)
		if m.Subject != c.subject {
			t.Errorf("subject %q, want %q", m.Subject, c.subject)
		}
		for part, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
			for _, want := range []string{"HR-10007", "EX-10001", portal + c.link, "HZ-" + c.template + c.locale} {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: no %q in the %s part:\n%s", c.template, c.locale, want, part, text)
				}
			}
			if strings.Contains(text, "⟦") || strings.Contains(text, "{{") || desk && strings.Contains(text, "李雷") {
				t.Errorf("%s %s: the %s part:\n%s", c.template, c.locale, part, text)
			}
		}
	}
}
