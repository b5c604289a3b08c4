package inbound

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"offramp/internal/mail/report"
)

// Bounds of the listener. A report quotes at most a mail of ours, which is small.
const (
	maxTalks = 50
	maxMail  = 10 << 20
)

// Listener takes reports from a mail system by SMTP or LMTP. It takes mail to our return addresses alone: it can be used to write to
// nobody.
type Listener struct {
	LMTP    bool
	Bounces string       // the return address without a token, which complaints may come to
	Seals   report.Seals // that the tokens of return addresses are checked with
	// Take keeps a mail. With an error the mail system is asked to bring it again.
	Take func(ctx context.Context, raw []byte, to []string) error

	talks atomic.Int32
}

// Serve takes mails until ctx ends, and then lets those under way end.
func (l *Listener) Serve(ctx context.Context, on net.Listener) error {
	s := smtp.NewServer(&backend{l, ctx})
	s.LMTP, s.Domain = l.LMTP, "localhost"
	if _, domain, ok := strings.Cut(l.Bounces, "@"); ok {
		s.Domain = domain
	}
	s.ReadTimeout, s.WriteTimeout = patience, patience
	s.MaxMessageBytes, s.MaxRecipients, s.MaxLineLength = maxMail, 10, 4096
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = s.Shutdown(after)
	})
	err := s.Serve(on)
	if !stop() {
		<-ended
		return nil
	}
	return fmt.Errorf("listen for mail reports: %w", err)
}

type backend struct {
	*Listener
	ctx context.Context //nolint:containedctx // the library's sessions have none
}

func (b *backend) NewSession(*smtp.Conn) (smtp.Session, error) {
	if b.talks.Add(1) > maxTalks {
		b.talks.Add(-1)
		return nil, &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "too many connections; try again"}
	}
	return &session{backend: b}, nil
}

// session is one talk.
type session struct {
	*backend
	to []string
}

func (s *session) Mail(string, *smtp.MailOptions) error {
	s.to = nil
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !strings.EqualFold(to, s.Bounces) && !s.Seals.Sealed(to) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such address here"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(r, report.MaxBytes))
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	if err != nil {
		return err
	}
	if err := s.Take(context.WithoutCancel(s.ctx), raw, s.to); err != nil {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not kept; try again"}
	}
	return nil
}

func (s *session) Reset() { s.to = nil }

func (s *session) Logout() error {
	s.talks.Add(-1)
	return nil
}
