package mail

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"time"

	smtp "github.com/wneessen/go-mail"

	"offramp/internal/mail/report"
)

// What handing over one mail came to.
const (
	Accepted = "accepted" // the server has taken it
	Refused  = "refused"  // for good, by a 5xx answer about this mail or its address
	Deferred = "deferred" // not taken, and may be tried again: a 4xx answer, or no server
	Unknown  = "unknown"  // the last byte went out and no answer came: it may have arrived
)

// Result is what handing over one mail came to.
type Result struct {
	State  string // one of the above
	Detail string // the server's code and enhanced code; never an address
	Status string // the enhanced code; empty: none was given
	// Blame says what a refusal or deferral is about, as report.Blame does; empty: the server never got to the address.
	Blame string
}

// Envelope is a mail ready to go.
type Envelope struct {
	Name, Address string
	Tag           string // language
	Subject       string
	HTML, Plain   string
	ID            string // of the message, the same in every try
	Unsubscribe   string // address that takes the POST of RFC 8058 with a token behind it; empty: it cannot be declined
	At            time.Time
}

// Post hands mails to the server, over connections that it keeps. Safe for concurrent use.
type Post struct {
	config  Config
	servers []*keeper // the second one takes over where the first is not reached
}

// NewPost opens no connection yet. Connections are closed when ctx ends. A second server, where one is given, takes a mail that
// the first did not, under the same id; only its Host, Port, Username, Password, TLS and HELO count.
func NewPost(ctx context.Context, c Config, second *Config) (*Post, error) {
	first, err := newKeeper(ctx, c)
	if err != nil {
		return nil, err
	}
	p := &Post{config: c, servers: []*keeper{first}}
	if second != nil {
		second.From = c.From
		other, err := newKeeper(ctx, *second)
		if err != nil {
			return nil, err
		}
		p.servers = append(p.servers, other)
	}
	return p, nil
}

// Hand gives a mail to a server once. A mail that the first server may have taken is never given to the second.
func (p *Post) Hand(ctx context.Context, e Envelope) Result {
	m, err := p.message(e)
	if err != nil {
		return judge(err)
	}
	var r Result
	for _, server := range p.servers {
		err := server.send(ctx, m, NeedsUTF8(e.Address))
		if r = judge(err); r.State != Deferred && !errors.Is(err, errUnwritable) { // another server may offer SMTPUTF8
			return r
		}
	}
	return r
}

func (p *Post) message(e Envelope) (*smtp.Msg, error) {
	from, err := p.config.sender()
	if err != nil {
		return nil, err
	}
	to, err := netmail.ParseAddress(e.Address)
	if err != nil {
		return nil, refusal{"the address is not valid", problemRefused}
	}
	if to.Address, err = ascii(to.Address); err != nil {
		return nil, err
	}
	to.Name = oneLine(e.Name)
	m := smtp.NewMsg()
	m.FromMailAddress(from)
	m.ToMailAddress(to)
	m.Subject(oneLine(e.Subject))
	id := e.ID
	if token := p.config.Seals.Token(e.ID); token != "" { // a report that quotes it proves itself
		id = token
		if back := report.Return(p.config.Bounces, token); back != "" {
			if err := m.EnvelopeFrom(back); err != nil {
				return nil, fmt.Errorf("set the return address: %w", err)
			}
		}
	}
	m.SetMessageIDWithValue(id + "@" + domain(from))
	m.SetDateWithValue(e.At)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetGenHeader("Content-Language", e.Tag)
	if leave := p.config.Seals.LeaveToken(e.ID); e.Unsubscribe != "" && leave != "" {
		m.SetGenHeader("List-Unsubscribe", "<"+e.Unsubscribe+leave+">")
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058
	}
	m.SetBodyString(smtp.TypeTextPlain, e.Plain)
	m.AddAlternativeString(smtp.TypeTextHTML, e.HTML)
	return m, nil
}

// judge reads what a try came to. Answers are told apart by where in the dialogue they came.
func judge(err error) Result {
	if err == nil {
		return Result{State: Accepted}
	}
	var final refusal
	if errors.As(err, &final) {
		r := Result{State: Refused, Detail: final.reason, Blame: report.Address}
		if final.problem == problemUnwritable { // a want of our server
			r.Blame = report.Ours
		}
		return r
	}
	var sent *smtp.SendError
	if !errors.As(err, &sent) {
		return Result{State: Deferred, Detail: "no connection to the mail server"}
	}
	code, enhanced := sent.ErrorCode(), sent.EnhancedStatusCode()
	r := Result{Detail: fmt.Sprintf("%s, SMTP %d %s", sent.Reason, code, enhanced)}
	switch {
	case code >= 500:
		r.State = Refused
	case code >= 400:
		r.State = Deferred
	case sent.Reason == smtp.ErrSMTPDataClose: // the last byte is out, and nobody said anything
		r.State, r.Detail = Unknown, "no answer after the message"
	default:
		r.State, r.Detail = Deferred, "the connection broke before the message was out"
	}
	// A bare code after DATA is about the mail; an enhanced one says what it is about wherever it comes.
	if r.Status = enhanced; code >= 400 && (sent.Reason == smtp.ErrSMTPRcptTo || sent.Reason == smtp.ErrSMTPDataClose && enhanced != "") {
		r.Blame = report.Blame(enhanced, code)
	}
	return r
}
