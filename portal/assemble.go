package portal

import (
	"log/slog"
	"net/netip"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/auth"
	"offramp/export"
	"offramp/export/delivery"
	"offramp/export/outline"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail/report"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/figures"
	"offramp/migration/governance"
	"offramp/migration/governance/approval"
	"offramp/migration/governance/risk"
	"offramp/migration/governance/rollup"
	"offramp/migration/notice"
	"offramp/migration/notice/click"
	"offramp/migration/notice/reach"
	"offramp/migration/notice/reader"
	"offramp/migration/notice/truth"
	"offramp/migration/refund"
	"offramp/migration/replacement"
	"offramp/portal/api"
	"offramp/portal/banner"
	"offramp/portal/customer"
	"offramp/portal/customer/calendar"
	"offramp/portal/customer/inbox"
	"offramp/portal/customer/settle"
	"offramp/portal/limit"
	"offramp/portal/page"
	"offramp/portal/signin"
	"offramp/portal/trail"
)

// Parts are the services that the portal stands on.
type Parts struct {
	DB         *db.DB
	Heads      *audit.Keeper // signed heads of the audit log; nil: none are kept
	Public     *url.URL      // where browsers reach the portal
	Secret     []byte        // derives support codes
	Log        *slog.Logger
	Metrics    prometheus.Registerer // nil: nothing is measured
	Programmes *migration.Programmes
	Customers  *migration.Service
	Exports    *export.Service
	Deliveries *delivery.Service
	Receipts   customer.ReceiptKeys
	Refunds    *refund.Service
	Proxy      bool // exports' files are sent through the portal
	Auth       *auth.Service
	Queue      *jobs.Client // which may only insert
	Choices    *replacement.Service

	Limits    Limits
	Proxies   []netip.Prefix // whose word on where a request comes from is believed
	Hosts     []string       // for which requests are answered; none: for any
	Transfers int            // with Proxy: files that are sent at once

	StripeSecrets []string // that sign Stripe's events; none: its endpoint does not exist

	Seals         report.Seals // that prove which mail a report is about
	ReportSecrets []string     // that sign a mail provider's messages; none: its endpoint does not exist
	TextSecrets   []string     // that sign those of the gateway for short messages, likewise
	Texts         bool         // there is such a gateway
}

// Assemble builds the server with all its consoles.
func Assemble(p Parts) (*Server, error) {
	kit := &page.Kit{Programmes: p.Programmes, Clock: p.DB.Clock, Public: p.Public, Secret: p.Secret}
	p.Customers = p.Customers.WithMail(p.Queue)
	notices := notice.NewService(p.DB, p.Programmes, p.Public.String(), p.Seals)
	known := truth.New(p.DB, p.Seals)
	help := assistance.NewService(p.DB, p.Queue)
	consoles, err := NewConsoles(kit, ConsoleParts{
		DB: p.DB, Heads: p.Heads, Customers: p.Customers, Help: help, Programmes: p.Programmes, Exports: p.Exports, Refunds: p.Refunds, Queue: p.Queue, Log: p.Log, Choices: p.Choices, Notices: notices, Reach: reach.NewService(p.DB, p.Programmes), Truth: known, Auth: p.Auth,
		Plans:     governance.NewService(p.DB, p.Programmes, notices, p.Log),
		Approvals: approval.New(p.DB, p.Programmes, p.Log),
		Risks:     risk.New(p.DB, p.Programmes),
		Rollups:   rollup.New(p.DB, p.Programmes, p.Log),
		Figures:   figures.New(p.DB, p.Programmes, p.Log),
	})
	if err != nil {
		return nil, err
	}
	return New(Options{
		Kit: kit, Sessions: p.Auth, Log: p.Log, Metrics: p.Metrics, Ping: p.DB.Pool.Ping, Limits: p.Limits, Proxies: p.Proxies, Hosts: p.Hosts,
		Customer: &customer.Pages{Kit: kit, Customers: p.Customers, Calendars: calendar.New(p.DB), Exports: p.Exports, Outlines: outline.New(p.DB, p.Queue), Help: help, Choices: p.Choices, Deliveries: p.Deliveries, Receipts: p.Receipts, Proxy: p.Proxy, Transfers: limit.Shared{Gate: limit.NewGate(1, p.Transfers, 0), Store: limit.Store{Pool: p.DB.Pool}, Kind: "transfer"}},
		Settle:   &settle.Pages{Kit: kit, Refunds: p.Refunds, Customers: p.Customers},
		Trail:    &trail.Pages{Kit: kit, DB: p.DB},
		Inbox:    &inbox.Pages{Kit: kit, Notices: notices, Customers: p.Customers, Seals: p.Seals, Readers: reader.New(p.DB), Texts: p.Texts, Clicks: click.New(p.DB), Log: p.Log},
		SignIn:   &signin.Pages{Kit: kit, Auth: p.Auth},
		Banner:   &banner.Pages{Kit: kit, Notices: notices},
		Consoles: consoles,
		API:      &api.Pages{Refunds: p.Refunds, StripeSecrets: p.StripeSecrets, Truth: known, ReportSecrets: p.ReportSecrets, TextSecrets: p.TextSecrets},
	})
}
