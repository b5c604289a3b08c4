package mail

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"
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
	// Address: the refusal says that the address does not exist or takes no mail. Policy, relaying, size and the like are about
	// us or the moment, and say nothing of the address.
	Address bool
}

// Envelope is a mail ready to go.
type Envelope struct {
	Name, Address string
	Tag           string // language
	Subject       string
	HTML, Plain   string
	ID            string // of the message, the same in every try
	Unsubscribe   string // https address that takes the POST of RFC 8058; empty: it cannot be declined
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
		return Result{State: Refused, Detail: "the address is not valid"}
	}
	var r Result
	for _, server := range p.servers {
		if r = judge(server.send(ctx, m, NeedsUTF8(e.Address))); r.State != Deferred {
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
		return nil, fmt.Errorf("read address: %w", err)
	}
	if to.Address, err = ascii(to.Address); err != nil {
		return nil, err
	}
	to.Name = oneLine(e.Name)
	m := smtp.NewMsg()
	m.FromMailAddress(from)
	m.ToMailAddress(to)
	m.Subject(oneLine(e.Subject))
	m.SetMessageIDWithValue(e.ID + "@" + domain(from))
	m.SetDateWithValue(e.At)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetGenHeader("Content-Language", e.Tag)
	if e.Unsubscribe != "" {
		m.SetGenHeader("List-Unsubscribe", "<"+e.Unsubscribe+">")
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
		return Result{State: Refused, Detail: final.reason, Address: true}
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
	// RFC 3463: 5.1.x is about addresses. Servers without enhanced codes say 550, 551 or 553. RFC 5321, section 4.2.3.
	r.Address = r.State == Refused && sent.Reason == smtp.ErrSMTPRcptTo &&
		(strings.HasPrefix(enhanced, "5.1.") || enhanced == "" && (code == 550 || code == 551 || code == 553))
	return r
}
