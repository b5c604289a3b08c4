package signin

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/portal/page"
)

// Cookies of a sign-in under way, and of a sign-out that has yet to reach the provider.
const (
	signInCookie   = "offramp-sign-in"
	farewellCookie = "offramp-farewell"
)

const (
	signInAge   = 10 * 60
	farewellAge = 5 * 60
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Auth  *auth.Service
	Known func(path string) bool // whether a person may land on a path of ours after signing in; nil: on none but home
}

// root is where a realm's sign-in lives.
func root(realm auth.Realm) string {
	if realm == auth.Staff {
		return "/staff/sign-in"
	}
	return "/sign-in"
}

// home is where a person lands who wanted nothing in particular.
func home(realm auth.Realm) string {
	if realm == auth.Staff {
		return "/console"
	}
	return "/plan"
}

// wish reads where a person wants to go, with what, from the address.
func (p *Pages) wish(c echo.Context, realm auth.Realm) (auth.Start, error) {
	form, err := page.ReadQuery(c, page.Line("return_to", 2000), page.Line("invitation", 200), page.Line("fresh", 1))
	if err != nil {
		return auth.Start{}, err
	}
	return auth.Start{
		Realm: realm, ReturnTo: p.known(form.Get("return_to")), Invitation: form.Get("invitation"), Fresh: form.Get("fresh") != "",
	}, nil
}

// known returns a path when a page of this site lives there, and nothing otherwise.
func (p *Pages) known(raw string) string {
	path, ok := auth.LocalPath(raw)
	if !ok || p.Known == nil {
		return ""
	}
	u, err := url.Parse(path)
	if err != nil || !p.Known(u.Path) {
		return ""
	}
	return path
}

// Show is the page before the provider's.
func (p *Pages) Show(realm auth.Realm) echo.HandlerFunc {
	return func(c echo.Context) error {
		wish, err := p.wish(c, realm)
		if err != nil {
			return err
		}
		v := page.Of(c)
		if v.Session != nil && v.Session.Realm == realm && wish.Invitation == "" {
			return page.Redirect(c, home(realm))
		}
		return page.Render(c, http.StatusOK, signInPage(buildSignIn(v, wish, p.Layout(c, v.Locale.T(titleOf(realm)), ""))))
	}
}

// Start sends the browser to the provider.
func (p *Pages) Start(realm auth.Realm) echo.HandlerFunc {
	return func(c echo.Context) error {
		wish, err := p.wish(c, realm)
		if err != nil {
			return err
		}
		address, secret, err := p.Auth.Begin(c.Request().Context(), wish)
		if err != nil {
			return err
		}
		p.SetCookie(c, signInCookie, secret, signInAge)
		return c.Redirect(http.StatusSeeOther, address)
	}
}

// Finish takes the browser back from the provider.
func (p *Pages) Finish(realm auth.Realm) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		query, err := page.WholeQuery(c)
		if err != nil {
			return err
		}
		arrival, err := p.Auth.Finish(r.Context(), auth.Return{
			Realm: realm, Secret: p.Cookie(c, signInCookie), Query: query, UserAgent: r.UserAgent(), OldCookie: p.Cookie(c, page.SessionCookie),
		})
		if err != nil {
			return err
		}
		p.SetCookie(c, signInCookie, "", -1)
		p.SetCookie(c, page.SessionCookie, arrival.Cookie, 0)
		if arrival.ReturnTo != "" {
			return page.Redirect(c, arrival.ReturnTo)
		}
		return page.Redirect(c, home(realm))
	}
}

// SignOut ends the session. What is left of it leads to the provider's sign-out and opens nothing else.
func (p *Pages) SignOut(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if v := page.Of(c); v.Session != nil {
		if err := p.Auth.SignOut(c.Request().Context(), *v.Session); err != nil {
			return err
		}
		p.SetCookie(c, farewellCookie, p.Cookie(c, page.SessionCookie), farewellAge)
	}
	p.SetCookie(c, page.SessionCookie, "", -1)
	return page.Redirect(c, "/signed-out")
}

// ShowSignedOut says so. On the way out of the portal it leads on to the provider at once: by a header, since a redirect
// of the sign-out form may not leave this site, and without delay, so that nothing moves under the reader's eyes.
func (p *Pages) ShowSignedOut(c echo.Context) error {
	v := page.Of(c)
	leaving := p.Cookie(c, farewellCookie) != ""
	if leaving {
		c.Response().Header().Set("Refresh", "0; url="+leavePath)
	}
	return page.Render(c, http.StatusOK, signedOutPage(buildSignedOut(v, leaving, p.Layout(c, v.Locale.T("auth.bye"), ""))))
}

const leavePath = "/signed-out/provider"

// Leave sends the browser to the provider's sign-out, once. A provider that does not answer keeps nobody here.
func (p *Pages) Leave(c echo.Context) error {
	old := p.Cookie(c, farewellCookie)
	p.SetCookie(c, farewellCookie, "", -1)
	address, err := p.Auth.Farewell(c.Request().Context(), old)
	if address == "" || err != nil {
		return page.Redirect(c, "/signed-out")
	}
	return c.Redirect(http.StatusSeeOther, address)
}
