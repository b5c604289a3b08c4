package notice

import (
	"context"
	"strings"
	"time"

	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/migration"
	"offramp/migration/notice/truth"
)

// probesAtOnce bounds the test mails of one look.
const probesAtOnce = 10

// probe sends the test mails that people have asked for, one by one.
func (s *Sender) probe(ctx context.Context, p *migration.Programme) error {
	var tests []truth.Test
	err := s.db.InTx(ctx, system, func(tx *db.Tx) (err error) {
		tests, err = s.truth.Tests(ctx, tx, probesAtOnce, tx.Now.Add(-lease))
		return err
	})
	if err != nil {
		return err
	}
	after := context.WithoutCancel(ctx)
	for _, t := range tests {
		letter, err := ComposeTest(p, readerOfTest(t), s.db.Clock.Now(), s.link)
		if err != nil {
			return err
		}
		r := s.Post.Hand(after, mail.Envelope{
			Name: t.Contact, Address: t.Mail, Tag: letter.Bulletin.Tag, Subject: letter.Bulletin.Subject, HTML: letter.HTML, Plain: letter.Plain,
			ID: t.MailID, At: s.db.Clock.Now(),
		})
		err = s.db.InTx(after, system, func(tx *db.Tx) error {
			if err := s.truth.Tested(after, tx, t, r.State, r.Detail); err != nil {
				return err
			}
			if f, is := truth.Dialogued(t.MailID, r); is {
				_, err := s.truth.Record(after, tx, f)
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func readerOfTest(t truth.Test) Reader {
	return Reader{
		CustomerID: t.CustomerID, ContactID: t.ContactID, Ref: t.Ref, Customer: t.Customer, Tier: t.Tier, Contact: t.Contact, Email: t.Mail,
		Locale: t.Locale, Zone: t.Zone,
	}
}

// ComposeTest writes the mail that shows whether an address takes mail again.
func ComposeTest(p *migration.Programme, r Reader, now time.Time, link string) (Letter, error) {
	w := writer{Locale: locale.For(r.Locale), p: p, r: r, now: now, link: strings.TrimRight(link, "/")}
	b := w.frame(nil)
	b.Dates, b.ZoneNote = nil, ""
	b.Subject = w.T("notice.test.subject", "Product", b.Product)
	b.Parts = []mail.Part{{Title: b.Subject, Body: mail.Escape(w.T("notice.test.body", "Product", b.Product))}}
	html, plain, sum, err := b.Set()
	return Letter{Bulletin: b, HTML: html, Plain: plain, Sum: sum}, err
}
