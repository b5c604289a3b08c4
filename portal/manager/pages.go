package manager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/audit"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/replacement"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Programmes *migration.Programmes
	Customers  *migration.Service
	Choices    *replacement.Service
	Notices    *notice.Service
}

// ShowProgramme is the programme in effect, what waits for approval, and every version.
func (p *Pages) ShowProgramme(c echo.Context) error {
	return p.showProgramme(c, http.StatusOK, "", nil)
}

func (p *Pages) showProgramme(c echo.Context, status int, reason string, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	versions, err := p.Programmes.List(ctx)
	if err != nil {
		return err
	}
	names, err := p.names(ctx, v, versions...)
	if err != nil {
		return err
	}
	shelf := shelf{versions: versions, names: names, reason: reason, refused: refused}
	for _, version := range versions {
		if version.State == migration.VersionProposed {
			proposal, err := p.Programmes.Diff(ctx, version.Number)
			if err != nil {
				return err
			}
			shelf.proposed = &proposal
			if shelf.misled, err = p.Notices.Misled(ctx, v.Session.IdentityID, proposal.Programme, proposal.Moved, misledShown); err != nil {
				return err
			}
		}
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("console.programme"), "programme")
	layout.Path = "/console/programme" // also after a POST
	return page.Render(c, status, programmePage(buildProgramme(v, shelf, layout)))
}

// misledShown bounds the customers that are listed as having been told a date that moves.
const misledShown = 50

// ShowVersion is one version with what it changed.
func (p *Pages) ShowVersion(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	number, err := versionNumber(c)
	if err != nil {
		return err
	}
	proposal, err := p.Programmes.Diff(ctx, number)
	if err != nil {
		return err
	}
	names, err := p.names(ctx, v, proposal.Version)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("console.version", "Number", number), "programme")
	return page.Render(c, http.StatusOK, versionPage(buildVersion(v, proposal, names, layout)))
}

// DownloadSource hands out the file of a version as it was proposed.
func (p *Pages) DownloadSource(c echo.Context) error {
	number, err := versionNumber(c)
	if err != nil {
		return err
	}
	version, err := p.Programmes.Get(c.Request().Context(), number)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="programme-v%d.yaml"`, number))
	return page.Send(c, http.StatusOK, "application/yaml; charset=utf-8", []byte(version.Source))
}

// Approve puts the proposed version into effect.
func (p *Pages) Approve(c echo.Context) error {
	form, err := page.ReadForm(c, page.Text("reason", 500))
	whole := false
	if err == nil {
		var number int
		if number, err = versionNumber(c); err == nil {
			by := migration.Actor{ID: page.Of(c).Session.IdentityID, Kind: audit.Staff}
			whole, err = p.Programmes.ApproveFor(c.Request().Context(), by, number, form.Get("reason"))
		}
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.showProgramme(c, http.StatusUnprocessableEntity, form.Get("reason"), err)
	}
	if err != nil {
		return err
	}
	if !whole {
		return p.Flash(c, "/console/programme", "ok", "flash.programme_approved_once")
	}
	return p.Flash(c, "/console/programme", "ok", "flash.programme_approved")
}

// Withdraw takes the proposed version back.
func (p *Pages) Withdraw(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	number, err := versionNumber(c)
	if err != nil {
		return err
	}
	by := migration.Actor{ID: page.Of(c).Session.IdentityID, Kind: audit.Staff}
	if err := p.Programmes.Withdraw(c.Request().Context(), by, number); err != nil {
		return err
	}
	return p.Flash(c, "/console/programme", "ok", "flash.programme_withdrawn")
}

// versionNumber reads the number in the address.
func versionNumber(c echo.Context) (int, error) {
	n, err := strconv.Atoi(c.Param("id"))
	if err != nil || n < 1 || n > 1_000_000 || strconv.Itoa(n) != c.Param("id") {
		return 0, migration.ErrUnknownProgramme.Wrap(errors.New("no number"))
	}
	return n, nil
}

// names are the people who proposed and approved.
func (p *Pages) names(ctx context.Context, v *page.Visit, versions ...migration.Version) (map[string]string, error) {
	ids := make([]string, 0, 2*len(versions))
	for _, version := range versions {
		ids = append(ids, version.ProposedBy, version.FirstApprovedBy, version.ApprovedBy)
	}
	return p.Customers.Names(ctx, v.Session.IdentityID, ids)
}
