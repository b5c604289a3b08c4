package main

import (
	"context"
	"errors"
	"net"
	"sync"

	"offramp/internal/mail"
	"offramp/internal/mail/inbound"
	"offramp/internal/mail/report"
	"offramp/internal/sms"
	"offramp/migration/notice"
	"offramp/migration/notice/truth"
)

// notices plans and sends what the programme tells its customers.
func (p *parts) notices(ctx context.Context) (*notice.Sender, error) {
	config := p.mailer()
	var second *mail.Config
	if m := p.config.SecondMail; m.Host != "" {
		second = &mail.Config{Host: m.Host, Port: m.Port, Username: m.Username, Password: m.Password, TLS: m.TLS}
	}
	post, err := mail.NewPost(context.WithoutCancel(ctx), config, second)
	if err != nil {
		return nil, err
	}
	s := &notice.Sender{Service: notice.NewService(p.db, p.programmes, config.PortalURL, p.seals()), Post: post, Logger: p.log}
	if g, is := p.config.Gateway(); is {
		if s.Texts, err = sms.New(g); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// seals prove which mail a report is about.
func (p *parts) seals() report.Seals {
	secret, before := p.config.Web.Secrets()
	return report.NewSeals(secret, before...)
}

// checkReports signs in to the mailbox of reports, and says where reports go where there is none.
func (p *parts) checkReports(ctx context.Context) (string, error) {
	r, bounces := p.config.Reports, p.config.Mail.Bounces
	switch {
	case bounces == "":
		return "", &unproved{"bounces go to the sender, where nobody reads them: set OFFRAMP_SMTP_BOUNCES and one of OFFRAMP_REPORTS_*"}
	case r.Mailbox == "" && r.Listen == "" && len(r.Secrets) == 0:
		return "", &trouble{what: bounces + " takes reports that nobody reads", mend: "set OFFRAMP_REPORTS_MAILBOX, _LISTEN or _SECRETS"}
	case r.Mailbox == "":
		return ": to " + bounces, nil
	}
	box, err := inbound.Parse(r.Mailbox, r.Password)
	if err != nil {
		return "", err
	}
	switch err := box.Check(ctx); {
	case errors.Is(err, inbound.ErrSignIn):
		return "", &trouble{what: "the mailbox of reports lets nobody in", mend: "correct OFFRAMP_REPORTS_MAILBOX and OFFRAMP_REPORTS_PASSWORD", cause: err}
	case err != nil:
		return "", &trouble{what: "the mailbox of reports cannot be read", mend: "correct OFFRAMP_REPORTS_MAILBOX, or start the server and clear the way to it", cause: err}
	}
	return ": to " + bounces + ", read from " + box.Name(), nil
}

// takeReports starts what reads reports about our mails, each way that is configured, until ctx ends.
func (p *parts) takeReports(ctx context.Context, group *sync.WaitGroup) error {
	r, known := p.config.Reports, truth.New(p.db, p.seals())
	if r.Mailbox != "" {
		box, err := inbound.Parse(r.Mailbox, r.Password)
		if err != nil {
			return err
		}
		reader := &truth.Reader{Service: known, Box: box, Every: r.Every, Logger: p.log}
		group.Go(func() { reader.Run(ctx) })
	}
	if r.Listen == "" {
		return nil
	}
	on, err := new(net.ListenConfig).Listen(ctx, "tcp", r.Listen)
	if err != nil {
		return listenTrouble("OFFRAMP_REPORTS_LISTEN", r.Listen, err)
	}
	listener := &inbound.Listener{LMTP: r.Protocol == "lmtp", Bounces: p.config.Mail.Bounces, Seals: p.seals(), Take: known.Bring(p.log)}
	group.Go(func() {
		if err := listener.Serve(ctx, on); err != nil {
			p.log.ErrorContext(ctx, "mail reports are not taken any more", "error", err)
		}
	})
	return nil
}
