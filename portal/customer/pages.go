package customer

import (
	"offramp/export"
	"offramp/migration"
	"offramp/portal/customer/calendar"
	"offramp/portal/page"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Customers *migration.Service
	Calendars *calendar.Service
	Exports   *export.Service
}
