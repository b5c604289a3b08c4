package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/auth"
	"offramp/auth/oidc"
	"offramp/cmd/offramp/erasing"
	"offramp/export"
	"offramp/export/delivery"
	"offramp/export/receipt"
	"offramp/internal/config"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
	"offramp/portal"
	"offramp/portal/customer"
	"offramp/portal/limit"
)

type serveCmd struct{}

// Help shows an example.
func (serveCmd) Help() string {
	return `Serves the portal on OFFRAMP_WEB_LISTEN and health and metrics on OFFRAMP_WEB_METRICS. It keeps no state: run as many as
you like. SIGTERM lets requests in flight end.

Example:
  offramp serve`
}

// Run serves until it is told to stop.
func (serveCmd) Run(c *console) error {
	p, err := c.open("serve")
	if err != nil {
		return err
	}
	defer p.close()
	lacking, err := erasing.Watch(c.ctx, p.replayed)
	if err != nil {
		return err
	}
	server, err := p.portal(c.ctx)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(c.ctx, "tcp", p.config.Web.Listen)
	if err != nil {
		return listenTrouble("OFFRAMP_WEB_LISTEN", p.config.Web.Listen, err)
	}
	if err := server.Start(c.ctx); err != nil {
		return err
	}
	if err := inner(c.ctx, p.config.Web.Metrics, prometheus.DefaultGatherer, server.Live(), server.Ready()); err != nil {
		return err
	}
	web := server.HTTP()
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	p.log.Info("serving", "listen", listener.Addr().String(), "url", p.config.Web.URL)
	select {
	case err := <-failed:
		return err
	case err := <-lacking:
		return err
	case <-c.ctx.Done():
	}
	p.log.Info("stopping")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), p.config.Web.Grace)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("requests were still in flight after OFFRAMP_WEB_GRACE: %w", err)
	}
	return nil
}

// portal builds the web side from its parts.
func (p *parts) portal(ctx context.Context) (*portal.Server, error) {
	queue, err := jobs.NewInserter(p.db)
	if err != nil {
		return nil, err
	}
	bucket, err := p.bucket(ctx)
	if err != nil {
		return nil, err
	}
	passwords, err := p.vaultFor(ctx, export.PasswordPurpose)
	if err != nil {
		return nil, err
	}
	exports := export.NewService(p.db, p.journeys, queue, bucket, export.Options{LinkTTL: p.config.Work.LinkTTL, Passwords: passwords})
	secret, before := p.config.Web.Secrets()
	deliveries, err := delivery.New(p.db, queue, delivery.Options{
		Secret: secret, Before: before, Principal: p.config.Delivery.Principal, PlainHTTP: bool(p.config.Delivery.PlainHTTP),
		Ports: p.config.Delivery.Ports, Daily: p.config.Delivery.Daily,
	})
	if err != nil {
		return nil, err
	}
	receipts, err := receiptKeys(secret, before)
	if err != nil {
		return nil, err
	}
	choices, err := p.choices(queue)
	if err != nil {
		return nil, err
	}
	refunds, err := p.refunds(queue, bucket, p.knownProviders())
	if err != nil {
		return nil, err
	}
	keeper, err := p.keeper(bucket)
	if err != nil {
		return nil, err
	}
	return portal.Assemble(portal.Parts{
		DB: p.db, Heads: keeper, Public: p.config.BaseURL(), Secret: []byte(p.config.Web.SecretKey), Log: p.log, Metrics: prometheus.DefaultRegisterer,
		Programmes: p.programmes, Customers: p.journeys, Exports: exports, Auth: p.auth(queue),
		Deliveries: deliveries, Receipts: receipts, Proxy: bool(p.config.Storage.Proxy), Queue: queue, Choices: choices,
		Refunds: refunds, StripeSecrets: p.config.Stripe.WebhookSecrets,
		Seals: p.seals(), ReportSecrets: p.config.Reports.Secrets,
		TextSecrets: p.config.SMS.Secrets, Texts: p.config.SMS.URL != "",
		Limits: p.limits(), Proxies: config.Prefixes(p.config.Trusted.Proxies), Hosts: p.config.AllHosts(), Transfers: p.config.Storage.Transfers,
	})
}

// atOnce is how many requests of one browser one process answers at once.
const atOnce = 8

// limits are counted in the database, for all replicas together.
func (p *parts) limits() portal.Limits {
	l := p.config.Limit
	return portal.Limits{
		Limiter: limit.New(limit.Store{Pool: p.db.Pool}), AtOnce: limit.NewGate(atOnce, 0, portal.GatePatience),
		Acts: limit.Rate(l.Acts), Pages: limit.Rate(l.Pages), SignIns: limit.Rate(l.SignIns),
	}
}

// receiptKeys sign receipts: the first does, the others did.
func receiptKeys(current []byte, before [][]byte) (customer.ReceiptKeys, error) {
	var keys customer.ReceiptKeys
	for _, master := range append([][]byte{current}, before...) {
		k, err := receipt.NewKey(master)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// auth ties the two providers to sessions.
func (p *parts) auth(queue *jobs.Client) *auth.Service {
	base := p.config.BaseURL()
	realm := func(r config.Realm, path string, claims ...string) auth.RealmConfig {
		roles := map[auth.Role]string{}
		for role, group := range r.Roles {
			roles[auth.Role(role)] = group
		}
		return auth.RealmConfig{
			Provider: oidc.New(oidc.Config{
				Issuer: r.Issuer, ClientID: r.ClientID, ClientSecret: r.ClientSecret, Scopes: r.Scopes,
				RedirectURL: base.JoinPath(path).String(), Claims: claims,
			}),
			SignedOutURL:  base.JoinPath("/signed-out").String(),
			CustomerClaim: r.CustomerClaim, RoleClaim: r.RoleClaim, GroupsClaim: r.GroupsClaim, Roles: roles, ACR: r.ACR,
		}
	}
	secret, before := p.config.Web.Secrets()
	return auth.NewService(p.db, auth.Config{
		Secret: secret, Before: before,
		Enqueue: func(ctx context.Context, tx *db.Tx, m mail.Args) error {
			_, err := queue.InsertTx(ctx, tx, m, nil)
			return err
		},
		Idle: p.config.Session.Idle, Lifetime: p.config.Session.Lifetime,
		Customers: realm(p.config.Customer, "/sign-in/callback", p.config.Customer.CustomerClaim, p.config.Customer.RoleClaim),
		Staff:     realm(p.config.Staff, "/staff/sign-in/callback", p.config.Staff.GroupsClaim),
		LinkVerifiedEmail: func(ctx context.Context) (bool, error) {
			programme, err := p.programmes.Active(ctx)
			if err != nil {
				return false, err
			}
			return programme.SignIn.LinkVerifiedEmail, nil
		},
	})
}
