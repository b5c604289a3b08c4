package customer

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/export/profile"
	"offramp/internal/fault"
	"offramp/portal/page"
)

// errNoReplacement: the programme has none with this key, or none that reads files of ours.
var errNoReplacement = fault.New(fault.NotFound, "replacement.not_found")

// ShowImport says what a replacement takes from an export, and what it has no place for, before anybody chooses it.
func (p *Pages) ShowImport(c echo.Context) error {
	v := page.Of(c)
	r, ok := v.Programme.Replacement(c.Param("key"))
	if !ok || r.Import == nil {
		return errNoReplacement
	}
	if _, findings := profile.Compile(r, v.Programme.Datasets); len(findings) > 0 { // apply refuses these; an older version may have stored them
		return errNoReplacement
	}
	o, err := p.own(c)
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, importPage(buildImport(v, r, o, p.Layout(c, "", "exports"))))
}
