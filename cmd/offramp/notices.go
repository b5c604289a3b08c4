package main

import (
	"context"

	"offramp/internal/mail"
	"offramp/migration/notice"
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
	return &notice.Sender{Service: notice.NewService(p.db, p.programmes, config.PortalURL), Post: post, Logger: p.log}, nil
}
