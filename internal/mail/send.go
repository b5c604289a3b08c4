package mail

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"

	"offramp/internal/logging"
)

// timeout bounds each step of a conversation with the server.
const timeout = 30 * time.Second

// refusal is the server's final word on a mail. Its text holds no address.
type refusal struct {
	reason  string
	problem string // of the address itself; empty: it is something else
}

// What is wrong with an address, as it is kept with the contact.
const (
	problemRefused    = "refused"    // the server does not take it
	problemUnwritable = "unwritable" // it needs SMTPUTF8, which the server does not offer
)

func (r refusal) Error() string { return "refused for good: " + r.reason }

// client opens no connection yet.
func (c Config) client() (*smtp.Client, error) {
	from, err := c.sender()
	if err != nil {
		return nil, err
	}
	helo := c.HELO
	if helo == "" {
		helo = domain(from)
	}
	options := []smtp.Option{
		smtp.WithPort(c.Port), smtp.WithTimeout(cmp.Or(c.Timeout, timeout)), smtp.WithHELO(helo),
		smtp.WithoutNoop(), smtp.WithoutRset(), // MAIL FROM tells as much, and begins anew: RFC 5321, section 4.1.1.2
	}
	switch c.TLS {
	case TLS:
		options = append(options, smtp.WithSSL(), smtp.WithTLSPolicy(smtp.NoTLS)) // no STARTTLS on top
	case None:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	default:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory))
	}
	if c.Username != "" {
		options = append(options, smtp.WithSMTPAuth(smtp.SMTPAuthAutoDiscover), smtp.WithUsername(c.Username), smtp.WithPassword(c.Password))
	}
	client, err := smtp.NewClient(c.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	return client, nil
}

// Check connects to the server, signs in, has it take our sender for a mail that is then given up, and says goodbye.
func Check(ctx context.Context, c Config) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	from, err := c.sender()
	if err != nil {
		return err
	}
	talk, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("reach mail server %s: %w", c.Host, clean(err))
	}
	defer func() { _ = talk.Close() }()
	if err := talk.Mail("<" + from.Address + ">"); err != nil {
		return fmt.Errorf("mail server %s does not take the sender of OFFRAMP_SMTP_FROM: %w", c.Host, clean(err))
	}
	if err := talk.Reset(); err != nil {
		return fmt.Errorf("reach mail server %s: %w", c.Host, clean(err))
	}
	return talk.Quit()
}

// message puts a letter into an envelope. Its id is the same in every try of the job.
func (c Config) message(a Args, l letter, to recipient, now time.Time) (*smtp.Msg, error) {
	html, plain, err := render(l)
	if err != nil {
		return nil, err
	}
	from, err := c.sender()
	if err != nil {
		return nil, err
	}
	address, err := netmail.ParseAddress(to.Email)
	if err != nil {
		return nil, refusal{"the contact's address is not valid", problemRefused}
	}
	if address.Address, err = ascii(address.Address); err != nil {
		return nil, err
	}
	address.Name = oneLine(to.Name)
	m := smtp.NewMsg()
	m.FromMailAddress(from)
	m.ToMailAddress(address)
	m.Subject(oneLine(l.Subject))
	m.SetMessageIDWithValue(messageID(a) + "@" + domain(from))
	m.SetDateWithValue(now)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers, please
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	m.SetGenHeader("Content-Language", l.Tag)
	m.SetBodyString(smtp.TypeTextPlain, plain)
	m.AddAlternativeString(smtp.TypeTextHTML, html)
	return m, nil
}

func messageID(a Args) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{a.Template, a.CustomerID, a.ContactID, a.Key}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// outcome is what one try came to. A refusal is final; any other error may be tried again.
func outcome(err error) error {
	var (
		sent  *smtp.SendError
		final refusal
	)
	if errors.As(err, &final) {
		return final
	}
	if !errors.As(err, &sent) {
		return clean(err)
	}
	reason := fmt.Sprintf("%s, SMTP %d %s", sent.Reason, sent.ErrorCode(), sent.EnhancedStatusCode())
	if code := sent.ErrorCode(); code >= 500 && code <= 599 {
		return refusal{reason, problemOf(sent)}
	}
	return errors.New("send mail: " + reason)
}

// problemOf says whether a refusal is about the address: RFC 5321, section 4.2.3, and RFC 3463, section 3.2.
func problemOf(sent *smtp.SendError) string {
	status, code := sent.EnhancedStatusCode(), sent.ErrorCode()
	switch {
	case strings.HasPrefix(status, "5.6.7"):
		return problemUnwritable
	case sent.Reason == smtp.ErrSMTPRcptTo && (strings.HasPrefix(status, "5.1.") || code == 550 || code == 551 || code == 553):
		return problemRefused
	}
	return ""
}

// clean keeps addresses and credentials out of logs and of the queue's records.
func clean(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(logging.Scrub(err.Error()))
}
