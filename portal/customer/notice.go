package customer

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
)

// ErrNoPage answers for addresses where nothing is.
var ErrNoPage = fault.New(fault.NotFound, "fault.not_found")

// Home leads to the plan, to staff's consoles, or to the public notice in the reader's language.
func (p *Pages) Home(c echo.Context) error {
	v := page.Of(c)
	switch {
	case v.Session != nil && v.Session.CustomerID != "":
		return page.Redirect(c, "/plan")
	case v.Session != nil:
		return page.Redirect(c, "/console")
	case v.Programme == nil:
		return p.showFresh(c)
	}
	return page.Redirect(c, "/"+v.Locale.Tag()+"/")
}

// ShowNotice is the public closure notice.
func (p *Pages) ShowNotice(c echo.Context) error {
	v, err := public(c)
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, noticePage(buildNotice(v, p.Layout(c, "", ""))))
}

// ShowFAQ lists the questions, or those that a search finds.
func (p *Pages) ShowFAQ(c echo.Context) error {
	v, err := public(c)
	if err != nil {
		return err
	}
	query, err := page.ReadQuery(c, page.Line("q", 100))
	status := http.StatusOK
	if err != nil {
		if f, ok := fault.As(err); !ok || len(f.Fields) == 0 {
			return err
		}
		status = http.StatusUnprocessableEntity
	}
	return page.Render(c, status, faqPage(buildFAQ(v, p.Layout(c, v.Locale.T("faq.title"), ""), query.Get("q"), err)))
}

// ShowHelp is the signed-in customer's way to people and answers.
func (p *Pages) ShowHelp(c echo.Context) error {
	v := page.Of(c)
	layout := p.Layout(c, v.Locale.T("help.page.title"), "help")
	asked, err := p.Help.ListForCustomer(c.Request().Context(), v.Who(), "")
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, helpPage(buildHelp(v, layout, asked, cameFrom(c), page.SupportCode(p.Secret, v.Who().CustomerID))))
}

// cameFrom is the path of the page of ours that the reader comes from; empty where their browser does not say.
func cameFrom(c echo.Context) string {
	r := c.Request()
	before, err := url.Parse(r.Referer())
	if err != nil || before.Host != r.Host || before.Path == r.URL.Path {
		return ""
	}
	path, _ := auth.LocalPath(before.Path)
	return path
}

// public turns a visit to the language in the address, which must be one of the programme's. Before a programme is in
// effect there is nothing here.
func public(c echo.Context) (*page.Visit, error) {
	v, tag := page.Of(c), c.Param("locale")
	if v.Programme == nil || !slices.Contains(v.Programme.Locales, tag) || !slices.Contains(locale.Tags(), tag) {
		return nil, ErrNoPage
	}
	v.Locale = locale.For(tag)
	return v, nil
}

// alternates are the other languages of a public page.
func alternates(p *migration.Programme, path string) (tags, urls []string) {
	for _, tag := range p.Locales {
		if slices.Contains(locale.Tags(), tag) {
			tags, urls = append(tags, tag), append(urls, "/"+tag+path)
		}
	}
	return tags, urls
}
