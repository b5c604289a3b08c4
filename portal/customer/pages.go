package customer

import (
	"context"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/export/delivery"
	"offramp/export/outline"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/replacement"
	"offramp/portal/customer/calendar"
	"offramp/portal/page"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Customers *migration.Service
	Calendars *calendar.Service
	Exports   *export.Service
	Outlines  *outline.Service
	Help      *assistance.Service
	Choices   *replacement.Service

	Deliveries *delivery.Service
	Receipts   ReceiptKeys
	Proxy      bool  // files are sent through the portal, since browsers cannot reach the bucket
	Transfers  Turns // with Proxy: files on their way; nil: no bound

	shared   kept[sharing, *sharedPlan]
	compared kept[comparing, *page.Skeleton]
}

// plan is the signed-in customer's. Routes that are marked so have read it with the session.
func (p *Pages) plan(c echo.Context) (migration.Plan, error) {
	v := page.Of(c)
	if v.Plan != nil {
		return *v.Plan, nil
	}
	return p.Customers.Plan(c.Request().Context(), v.Scope(), v.Who().CustomerID)
}

// Turns bounds how much of something goes on at once for each key; limit.Gate and limit.Shared do.
type Turns interface {
	Enter(ctx context.Context, key string) (leave func(), err error)
}
