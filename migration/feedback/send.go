package feedback

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/migration"
)

const (
	atOnce    = 20
	lease     = 10 * time.Minute // longer than the slowest mail server is waited for
	pause     = 30 * time.Minute // before an address is tried again
	mostTries = 8
)

// Poster hands a mail to a server once.
type Poster interface {
	Hand(ctx context.Context, e mail.Envelope) mail.Result
}

// Send asks everybody who is calm and was not asked yet, outside the quiet hours where the programme is. Each invitation is written down
// before its mail is handed over; what becomes of a mail that a process had in hand when it died nobody knows, and it is not sent again.
// link is the portal's address. Any number of processes may call it at once.
func (s *Service) Send(ctx context.Context, post Poster, log *slog.Logger, link string) error {
	p, err := s.programmes.Active(ctx)
	if err != nil || p.Feedback == nil {
		return err
	}
	if hour := s.db.Clock.Now().In(p.Zone).Hour(); hour < p.Notices.QuietTo || hour >= p.Notices.QuietFrom {
		return nil
	}
	for ctx.Err() == nil {
		var list []due
		err := s.db.InTx(ctx, system, func(tx *db.Tx) (err error) {
			list, err = s.store.take(ctx, tx, p, atOnce, tx.Now.Add(-lease), tx.Now.Add(-pause))
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		after := context.WithoutCancel(ctx)
		for _, d := range list {
			e, err := compose(p, d, s.db.Clock.Now(), link)
			if err != nil {
				return err
			}
			r := post.Hand(after, e)
			if r.State != mail.Accepted {
				log.WarnContext(after, "an invitation to give feedback was not accepted", slog.String("state", r.State), slog.String("detail", r.Detail))
			}
			if err := s.db.InTx(after, system, func(tx *db.Tx) error { return s.store.end(after, tx, d.ContactID, r.State, r.Detail) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// compose writes an invitation in the contact's language, or in the programme's first. Scores in it are links to the form.
func compose(p *migration.Programme, d due, now time.Time, link string) (mail.Envelope, error) {
	l := locale.For(d.Locale)
	product, _ := p.Product.Name.In(l.Tag(), p.Fallback())
	company, _ := p.Product.Company.In(l.Tag(), p.Fallback())
	hours, _ := p.Help.Hours.In(l.Tag(), p.Fallback())
	questions := QuestionsOf(p)
	text := []string{l.T("feedback.mail.text", "Product", mail.Escape(product), "Count", l.Number(int64(len(questions))))}
	if p.Feedback.Anonymous {
		text = append(text, l.T("feedback.mail.anonymous"))
	} else {
		text = append(text, l.T("feedback.mail.named"))
	}
	address := strings.TrimRight(link, "/") + Path + d.token
	for _, q := range questions {
		if q.Kind != migration.AskNPS {
			continue
		}
		var scores []string
		for score := range 11 {
			scores = append(scores, fmt.Sprintf("[%d](%s?score=%d)", score, address, score))
		}
		text = append(text, "**"+mail.Escape(AskOf(l, p, q))+"**", strings.Join(scores, "   "), l.T("feedback.scale"), l.T("feedback.mail.score"))
	}
	b := mail.Bulletin{
		Tag: l.Tag(), Product: product, Company: company, Colour: p.Brand.Colour,
		Subject:  l.T("feedback.mail.subject", "Product", product),
		Greeting: l.T("mail.greeting", "Name", strings.Join(strings.Fields(d.Name), " ")),
		Parts:    []mail.Part{{Body: strings.Join(text, "\n\n")}},
		Button:   l.T("feedback.mail.button"), URL: address, Safety: l.T("notice.safety"),
		HelpName: l.T("mail.help"), Help: l.T("feedback.mail.help"), Email: p.Help.Email, Phone: p.Help.Phone, Hours: hours,
		Why: l.T("feedback.mail.why", "Product", product),
	}
	html, plain, _, err := b.Set()
	if err != nil {
		return mail.Envelope{}, err
	}
	return mail.Envelope{Name: d.Name, Address: d.Email, Tag: l.Tag(), Subject: b.Subject, HTML: html, Plain: plain, ID: d.mailID, At: now}, nil
}

// AskOf returns a question's words in a language.
func AskOf(l *locale.Locale, p *migration.Programme, q Question) string {
	if len(q.Ask) > 0 {
		text, _ := q.Ask.In(l.Tag(), p.Fallback())
		return text
	}
	return l.T("feedback.ask."+q.Key, "Product", l.Pick(p.Product.Name))
}

// scoreOf is an answer to the question of the score; -1 for none.
func scoreOf(answer string) int {
	if n, err := strconv.Atoi(answer); err == nil && IsScore(answer) {
		return n
	}
	return -1
}
