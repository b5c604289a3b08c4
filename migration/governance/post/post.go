// Package post writes to colleagues by email about their work: an approval that waits, items that are due, a report. What asks for a
// mail writes it down in its own transaction; a worker sends it. Nobody is told the same twice.
package post

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/migration"
)

const (
	atOnce = 20
	lease  = 10 * time.Minute // longer than the slowest mail server is waited for
)

// Mail is one that has to be written.
type Mail struct {
	To    string // identity id
	Kind  string // which words: post.KIND.subject and .text
	About string // with To and Kind: nobody is told the same twice
	Path  string // of the page that it leads to
	// Detail fills the words: a text, one by language, or an instant. "Body" stands below the words, as CommonMark.
	Detail map[string]any
}

// Ask writes mails down within a transaction. Whoever was told before is left out.
func Ask(ctx context.Context, tx *db.Tx, mails ...Mail) error {
	for _, m := range mails {
		detail := map[string]any{}
		for k, v := range m.Detail {
			switch v := v.(type) {
			case time.Time:
				detail[k] = instant{At: v}
			default:
				detail[k] = v
			}
		}
		raw, err := json.Marshal(detail)
		if err != nil {
			return fmt.Errorf("write down a mail of %s: %w", m.Kind, err)
		}
		if err := (store{}).ask(ctx, tx, rand.Text(), m, raw); err != nil {
			return err
		}
	}
	return nil
}

// instant tells a time from a text.
type instant struct {
	At time.Time `json:"at"`
}

// Poster hands a mail to a server once.
type Poster interface {
	Hand(ctx context.Context, e mail.Envelope) mail.Result
}

// Service sends what was written down. Safe for concurrent use, also by several processes.
type Service struct {
	db   *db.DB
	post Poster
	link string // the portal's address
	log  *slog.Logger
}

// New returns a service that sends by post.
func New(d *db.DB, post Poster, link string, log *slog.Logger) *Service {
	return &Service{db: d, post: post, link: strings.TrimRight(link, "/"), log: log}
}

// Send sends everything that waits. A mail that a process had in hand when it died is not sent again: nobody knows whether it arrived.
func (s *Service) Send(ctx context.Context, p *migration.Programme) error {
	system := db.SystemScope("staff mail")
	for {
		var list []due
		err := s.db.InTx(ctx, system, func(tx *db.Tx) (err error) {
			list, err = store{}.take(ctx, tx, atOnce, tx.Now.Add(-lease))
			return err
		})
		if err != nil || len(list) == 0 {
			return err
		}
		after := context.WithoutCancel(ctx)
		for _, d := range list {
			r := mail.Result{State: "dropped"}
			if d.Email != "" {
				e, err := compose(p, d, s.db.Clock.Now(), s.link)
				if err != nil {
					return err
				}
				if r = s.post.Hand(after, e); r.State != mail.Accepted {
					s.log.WarnContext(after, "a mail to a colleague was not accepted", slog.String("kind", d.Kind), slog.String("state", r.State), slog.String("detail", r.Detail))
				}
			}
			if err := s.db.InTx(after, system, func(tx *db.Tx) error { return store{}.end(after, tx, d.ID, r.State, r.Detail) }); err != nil {
				return err
			}
		}
	}
}

// compose writes a mail in the colleague's language, or in the programme's first.
func compose(p *migration.Programme, d due, now time.Time, link string) (mail.Envelope, error) {
	tag := d.Locale
	if tag == "" {
		tag = p.Fallback()
	}
	l := locale.For(tag)
	product, _ := p.Product.Name.In(l.Tag(), p.Fallback())
	company, _ := p.Product.Company.In(l.Tag(), p.Fallback())
	plain, marked, body, err := words(l, p, d.Detail)
	if err != nil {
		return mail.Envelope{}, fmt.Errorf("compose a mail of %s: %w", d.Kind, err)
	}
	plain, marked = append(plain, "Product", product), append(marked, "Product", mail.Escape(product))
	b := mail.Bulletin{
		Tag: l.Tag(), Product: product, Company: company, Colour: p.Brand.Colour,
		Subject:  strings.Join(strings.Fields(l.T("post."+d.Kind+".subject", plain...)), " "),
		Greeting: l.T("mail.greeting", "Name", strings.Join(strings.Fields(d.Name), " ")),
		Parts:    []mail.Part{{Body: l.T("post."+d.Kind+".text", marked...)}},
		Button:   l.T("post.button"), URL: link + d.Path, Safety: l.T("notice.safety"),
		HelpName: l.T("mail.help"), Help: l.T("post.help"), Email: p.Help.Email, Phone: p.Help.Phone,
		Why: l.T("post.why", "Product", product),
	}
	if body != "" {
		b.Parts = append(b.Parts, mail.Part{Body: body})
	}
	html, text, _, err := b.Set()
	if err != nil {
		return mail.Envelope{}, err
	}
	return mail.Envelope{Name: d.Name, Address: d.Email, Tag: l.Tag(), Subject: b.Subject, HTML: html, Plain: text, ID: d.ID, At: now}, nil
}

// words turns what was written down into what words are filled with: plain, and escaped for CommonMark.
func words(l *locale.Locale, p *migration.Programme, raw []byte) (plain, marked []any, body string, err error) {
	detail := map[string]any{}
	if err := json.Unmarshal(raw, &detail); err != nil {
		return nil, nil, "", err
	}
	for k, v := range detail {
		text, err := word(l, p, v)
		if err != nil {
			return nil, nil, "", err
		}
		if k == "Body" {
			body = text
			continue
		}
		plain, marked = append(plain, k, text), append(marked, k, mail.Escape(text))
	}
	return plain, marked, body, nil
}

func word(l *locale.Locale, p *migration.Programme, v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		return l.Number(int64(v)), nil
	case map[string]any:
		if at, is := v["at"].(string); is && len(v) == 1 {
			when, err := time.Parse(time.RFC3339Nano, at)
			return l.DateTime(when, p.Zone), err
		}
		text := map[string]string{}
		for tag, said := range v {
			text[tag] = fmt.Sprint(said)
		}
		return l.Pick(text), nil
	}
	return "", fmt.Errorf("%T is no word", v)
}
