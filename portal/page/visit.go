package page

import (
	"time"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/replacement"
)

// Visit is one request as the portal understands it: who, in which language, under which programme, at what instant.
type Visit struct {
	Session   *auth.Session        // nil: nobody is signed in
	Programme *migration.Programme // nil: none is active
	Plan      *migration.Plan      // of the signed-in customer, on routes that show it
	Messages  []notice.Latest      // the last one of each of the customer's people, on those routes
	Glance    *replacement.Glance  // of the signed-in customer, on the route that compares replacements
	Locale    *locale.Locale
	Theme     string // light, dark or auto
	Now       time.Time
	Incident  string // names this request in the log
	Fragment  bool   // a part of a page is asked for, by the page
	Left      bool   // whoever asked has hung up
}

const visitKey = "visit"

// Keep ties a visit to its request. The portal's middleware calls it once.
func Keep(c echo.Context, v *Visit) { c.Set(visitKey, v) }

// Of returns the visit of a request.
func Of(c echo.Context) *Visit {
	v, _ := c.Get(visitKey).(*Visit)
	return v
}

// Who is the contact on behalf of whom a customer's service is asked. The route's access has made sure that a customer is
// signed in; without one the empty Who reaches nothing.
func (v *Visit) Who() migration.Who {
	if v.Session == nil {
		return migration.Who{}
	}
	return v.Session.Who()
}

// Scope reaches the signed-in customer's rows, and nothing when no customer is signed in.
func (v *Visit) Scope() db.Scope { return db.CustomerScope(v.Who().CustomerID) }

// Owner reports whether the contact may do everything for the customer.
func (v *Visit) Owner() bool { return v.Who().Role == migration.Owner }

// Zone is the visitor's own zone; the programme's where none is known.
func (v *Visit) Zone() *time.Location {
	own := time.UTC
	if v.Programme != nil {
		own = v.Programme.Zone
	}
	if v.Session == nil {
		return own
	}
	return migration.Location(v.Session.Zone, own)
}
