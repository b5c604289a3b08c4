package portal

import (
	"log/slog"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"

	"offramp/auth"
	"offramp/export"
	"offramp/internal/db"
	"offramp/migration"
	"offramp/portal/customer"
	"offramp/portal/customer/calendar"
	"offramp/portal/page"
	"offramp/portal/signin"
)

// Parts are the services that the portal stands on.
type Parts struct {
	DB         *db.DB
	Public     *url.URL // where browsers reach the portal
	Secret     []byte   // derives support codes
	Log        *slog.Logger
	Metrics    prometheus.Registerer // nil: nothing is measured
	Programmes *migration.Programmes
	Customers  *migration.Service
	Exports    *export.Service
	Auth       *auth.Service
}

// Assemble builds the server with all its consoles.
func Assemble(p Parts) (*Server, error) {
	kit := &page.Kit{Programmes: p.Programmes, Clock: p.DB.Clock, Public: p.Public, Secret: p.Secret}
	return New(Options{
		Kit: kit, Sessions: p.Auth, Log: p.Log, Metrics: p.Metrics, Ping: p.DB.Pool.Ping,
		Customer: &customer.Pages{Kit: kit, Customers: p.Customers, Calendars: calendar.New(p.DB), Exports: p.Exports},
		SignIn:   &signin.Pages{Kit: kit, Auth: p.Auth},
		Consoles: NewConsoles(kit, p.DB, p.Customers, p.Programmes, p.Exports),
	})
}
