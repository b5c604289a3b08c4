package localtest

import (
	"context"
	"testing"

	"offramp/deploy/local"
)

// OIDC starts an OpenID provider of this test's own. Clients are added by SetClient once their addresses are known.
func OIDC(t testing.TB, users []local.User, clients ...local.Client) *local.OIDC {
	t.Helper()
	p, err := local.StartOIDC(context.Background(), local.OIDCOptions{Name: t.Name(), Users: users, Clients: clients})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// Mail starts a mail sink of this test's own.
func Mail(t testing.TB) *local.Mail {
	t.Helper()
	m, err := local.StartMail(context.Background(), local.MailOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// Webhooks starts a webhook receiver of this test's own.
func Webhooks(t testing.TB) *local.Webhooks {
	t.Helper()
	h, err := local.StartWebhooks(context.Background(), local.WebhookOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// Stripe starts a payment provider of this test's own.
func Stripe(t testing.TB, o local.StripeOptions) *local.Stripe {
	t.Helper()
	s, err := local.StartStripe(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
