package briefing

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/migration"
)

const (
	atOnce = 10
	lease  = 10 * time.Minute // longer than the slowest mail server is waited for
)

// Poster hands a mail to a server once.
type Poster interface {
	Hand(ctx context.Context, e mail.Envelope) mail.Result
}

// Send sends reminders that wait. Whoever has read the briefing meanwhile, or need not any more, gets none. link is the portal's
// address. Any number of processes may call it at once.
func (s *Service) Send(ctx context.Context, p *migration.Programme, post Poster, log *slog.Logger, link string) error {
	_, hash := ContentOf(p)
	audience := []string{}
	if p.Notices.Briefing != nil {
		audience = p.Notices.Briefing.Audience
	}
	var list []due
	system := db.SystemScope("briefing")
	err := s.db.InTx(ctx, system, func(tx *db.Tx) (err error) {
		list, err = s.store.take(ctx, tx, hash, audience, atOnce, tx.Now.Add(-lease))
		return err
	})
	if err != nil {
		return err
	}
	after := context.WithoutCancel(ctx)
	for _, d := range list {
		r := mail.Result{State: "dropped"}
		if !d.Read {
			e, err := compose(p, d, s.db.Clock.Now(), link)
			if err != nil {
				return err
			}
			if r = post.Hand(after, e); r.State != mail.Accepted {
				log.WarnContext(after, "a reminder of the briefing was not accepted", slog.String("state", r.State), slog.String("detail", r.Detail))
			}
		}
		if err := s.db.InTx(after, system, func(tx *db.Tx) error { return s.store.end(after, tx, d.ID, r.State, r.Detail) }); err != nil {
			return err
		}
	}
	return nil
}

// compose writes a reminder in the colleague's language, or in the programme's first.
func compose(p *migration.Programme, d due, now time.Time, link string) (mail.Envelope, error) {
	tag := d.Locale
	if tag == "" {
		tag = p.Fallback()
	}
	l := locale.For(tag)
	product, _ := p.Product.Name.In(l.Tag(), p.Fallback())
	company, _ := p.Product.Company.In(l.Tag(), p.Fallback())
	hours, _ := p.Help.Hours.In(l.Tag(), p.Fallback())
	b := mail.Bulletin{
		Tag: l.Tag(), Product: product, Company: company, Colour: p.Brand.Colour,
		Subject:  l.T("briefing.mail.subject", "Product", product),
		Greeting: l.T("mail.greeting", "Name", strings.Join(strings.Fields(d.Name), " ")),
		Parts:    []mail.Part{{Body: l.T("briefing.mail.text", "Product", mail.Escape(product))}},
		Button:   l.T("briefing.mail.button"), URL: strings.TrimRight(link, "/") + Path, Safety: l.T("notice.safety"),
		HelpName: l.T("mail.help"), Help: l.T("briefing.mail.help"), Email: p.Help.Email, Phone: p.Help.Phone, Hours: hours,
		Why: l.T("briefing.mail.why", "Product", product),
	}
	html, plain, _, err := b.Set()
	if err != nil {
		return mail.Envelope{}, err
	}
	return mail.Envelope{Name: d.Name, Address: d.Email, Tag: l.Tag(), Subject: b.Subject, HTML: html, Plain: plain, ID: d.ID, At: now}, nil
}
