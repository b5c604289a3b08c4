package support

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/find"
	"offramp/migration/refund"
	"offramp/migration/replacement"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Customers *migration.Service
	Exports   *export.Service
	Help      *assistance.Service
	Choices   *replacement.Service
	Refunds   *refund.Service
	Auth      *auth.Service
	Find      *find.Service
}

const (
	hitsShown     = 25 // customers on one page of a search
	troublesShown = 50 // exports with problems
	requestsShown = 50 // requests for help that wait for an answer
	exportsShown  = 20 // of one customer
	lastPage      = 80 // of a search; whoever needs more narrows it
)

// ShowDesk searches for customers; without a search it lists the exports with problems.
func (p *Pages) ShowDesk(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	query, err := page.ReadQuery(c, page.Line("q", 100), page.Line("page", 4))
	if refused, ok := fault.As(err); ok && len(refused.Fields) == 0 {
		return err
	}
	desk := desk{query: query.Get("q"), page: pageNumber(query.Get("page")), refused: err}
	status := http.StatusOK
	switch {
	case err != nil:
		status = http.StatusUnprocessableEntity
	case desk.query != "":
		if desk.named, err = p.named(ctx, v, desk.query); err == nil {
			desk.result, err = p.Find.Search(ctx, v.Session.IdentityID, desk.query, desk.named.ids, (desk.page-1)*hitsShown, hitsShown)
		}
		if f, ok := fault.As(err); ok && len(f.Fields) > 0 {
			desk.refused, err, status = err, nil, http.StatusUnprocessableEntity
		}
	default:
		desk.troubles, desk.requests, err = p.waiting(c)
		if err == nil {
			desk.answered, _, err = p.Help.Queue(ctx, v.Session.IdentityID, assistance.AnsweredOnes, assistance.Cursor{}, requestsShown+1)
		}
	}
	if err != nil && status == http.StatusOK {
		return err
	}
	return page.Render(c, status, deskPage(buildDesk(v, desk, console.Layout(p.Kit, c, v.Locale.T("console.support"), "support"))))
}

// waiting is what waits for support: exports in trouble and requests for help.
func (p *Pages) waiting(c echo.Context) ([]export.Troubled, []assistance.Listed, error) {
	ctx, who := c.Request().Context(), page.Of(c).Session.IdentityID
	troubles, err := p.Exports.Troubles(ctx, who, troublesShown+1)
	if err != nil {
		return nil, nil, err
	}
	requests, _, err := p.Help.Queue(ctx, who, assistance.All, assistance.Cursor{}, requestsShown+1)
	return troubles, requests, err
}

// pageNumber reads the number of a page; anything else is the first.
func pageNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 1
	}
	return min(n, lastPage)
}

// ShowCustomer is the one screen about a customer.
func (p *Pages) ShowCustomer(c echo.Context) error { return p.showCustomer(c, "") }

// RevealContact shows the screen with one contact's address unmasked. It is the answer to the POST itself, so that the
// address is in no history and each look at it is recorded.
func (p *Pages) RevealContact(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("contact", 60))
	if err != nil {
		return err
	}
	contact, err := p.Customers.RevealContact(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"), form.Get("contact"))
	if err != nil {
		return err
	}
	return p.showCustomer(c, contact.ID)
}

func (p *Pages) showCustomer(c echo.Context, revealed string) error {
	v, ctx := page.Of(c), c.Request().Context()
	file, err := p.Customers.OpenFile(ctx, v.Session.IdentityID, c.Param("id"))
	if err != nil {
		return err
	}
	exports, more, err := p.Exports.ListForStaff(ctx, db.StaffScope(v.Session.IdentityID), file.Customer.ID, 0, exportsShown)
	if err != nil {
		return err
	}
	requests, err := p.Help.ListOf(ctx, v.Session.IdentityID, file.Customer.ID)
	if err != nil {
		return err
	}
	choice, err := p.Choices.Overview(ctx, db.StaffScope(v.Session.IdentityID), file.Customer.ID)
	if err != nil {
		return err
	}
	refunds, err := p.Refunds.OfCustomer(ctx, v.Session.IdentityID, file.Customer.ID)
	if err != nil {
		return err
	}
	screen := screen{file: file, refunds: refunds, exports: exports, more: more, requests: requests, choice: choice, revealed: revealed, code: page.SupportCode(p.Secret, file.Customer.ID)}
	layout := console.Layout(p.Kit, c, file.Customer.Name, "support")
	layout.Path = customerURL(file.Customer.ID) // also after a POST
	return page.Render(c, http.StatusOK, customerPage(buildCustomer(v, screen, layout)))
}

// RetryExport queues a failed export again on the customer's behalf.
func (p *Pages) RetryExport(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	e, err := p.Exports.RetryForStaff(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"))
	if err != nil {
		return err
	}
	return p.Flash(c, customerURL(e.CustomerID), "ok", "flash.export_retried")
}

// CancelExport ends a live export on the customer's behalf.
func (p *Pages) CancelExport(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	e, err := p.Exports.CancelForStaff(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"))
	if err != nil {
		return err
	}
	return p.Flash(c, customerURL(e.CustomerID), "ok", "flash.export_cancelled")
}

// customerURL is the screen about a customer.
func customerURL(id string) string { return "/console/support/customers/" + id }
