package mail_test

import (
	"strings"
	"testing"

	"offramp/internal/db"
	"offramp/internal/mail"
)

func TestMailsAboutRefunds(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, c := range []struct{ locale, template, subject string }{
		{"en", mail.RefundReceived, "We have your request RF-2026-000318 for Hezhou Teamwork"},
		{"zh-CN", mail.RefundReceived, "我们已收到您关于合舟协作的申请RF-2026-000318"},
		{"en", mail.RefundQuestion, "A question about your request RF-2026-000318"},
		{"zh-CN", mail.RefundApproved, "您的申请RF-2026-000318已获批准"},
		{"en", mail.RefundPaid, "We have paid your refund RF-2026-000318"},
		{"zh-CN", mail.RefundCredited, "您的抵扣额度RF-2026-000318已生效"},
		{"en", mail.RefundReturned, "The payment of your refund RF-2026-000318 came back"},
		{"zh-CN", mail.RefundDeclined, "您的申请RF-2026-000318未获批准"},
		{"en", mail.RefundWithdrawn, "You have withdrawn your request RF-2026-000318"},
		{"zh-CN", mail.RefundAnswered, "我们已收到您对RF-2026-000318的答复"},
		{"en", mail.RefundCorrected, "We have your new bank account for RF-2026-000318"},
		{"en", mail.RefundUnfit, "We could not accept a document for RF-2026-000318"},
		{"zh-CN", mail.RefundUnfit, "您的申请RF-2026-000318有一份文件未通过扫描"},
		{"zh-CN", mail.RefundObjected, "我们已收到您对RF-2026-000318的异议"},
	} {
		address := c.template + "." + c.locale + "@example.com"
		id := o.contact(c.template+c.locale, "李雷", address, c.locale)
		o.enqueueRefund(id, c.template)
		m := o.receive(address)
		if m.Subject != c.subject {
			t.Errorf("subject %q, want %q", m.Subject, c.subject)
		}
		for part, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
			for _, want := range []string{"RF-2026-000318", "1,284.93", portal + "/refund/RF-2026-000318"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: no %q in the %s part:\n%s", c.template, c.locale, want, part, text)
				}
			}
			if strings.Contains(text, "⟦") || strings.Contains(text, "{{") {
				t.Errorf("%s %s: the %s part:\n%s", c.template, c.locale, part, text)
			}
		}
	}
}

func TestMailsSayWhenTheMoneyComes(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, c := range []struct {
		locale string
		data   map[string]string
		want   []string
	}{
		{"en", map[string]string{"review_days": "5", "pay_days": "10", "bank_days": "3"}, []string{"We decide by: 30 November 2026", "We pay by: 10 December 2026", "On your statement by: 13 December 2026"}},
		{"zh-CN", map[string]string{"pay_days": "10"}, []string{"付款或抵扣不晚于：2026年12月5日"}},
	} {
		id := o.contact("when"+c.locale, "李雷", "when."+c.locale+"@example.com", c.locale)
		data := map[string]string{"refund": "RF-2026-000318", "amount": "128493", "currency": "CNY", "method": "bank", "since": "2026-11-24T16:30:00Z"} // the 25th in Shanghai
		for k, v := range c.data {
			data[k] = v
		}
		args := mail.Args{Template: mail.RefundReceived, CustomerID: id, ContactID: id, Key: "k", Data: data}
		if err := o.db.InTx(o.Context(), db.CustomerScope(id), func(tx *db.Tx) error {
			_, err := o.inserter.InsertTx(o.Context(), tx, args, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		m := o.receive("when." + c.locale + "@example.com")
		for _, want := range c.want {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%s: no %q in\n%s", c.locale, want, m.Text)
			}
		}
	}
}

// enqueueRefund enqueues a mail about a refund.
func (o *office) enqueueRefund(contact, template string) {
	o.Helper()
	args := mail.Args{Template: template, CustomerID: contact, ContactID: contact, Key: "k", Data: map[string]string{
		"refund": "RF-2026-000318", "amount": "128493", "currency": "CNY", "method": "original",
	}}
	err := o.db.InTx(o.Context(), db.CustomerScope(contact), func(tx *db.Tx) (err error) {
		_, err = o.inserter.InsertTx(o.Context(), tx, args, nil)
		return err
	})
	if err != nil {
		o.Fatal(err)
	}
}
