package page

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"offramp/internal/clock"
	"offramp/migration"
	"offramp/portal/brand"
	"offramp/portal/ui"
)

// Programmes answers which programme is in effect.
type Programmes interface {
	// Active returns it from memory; migration.ErrNoProgramme when there is none.
	Active(ctx context.Context) (*migration.Programme, error)
}

// Kit is what the consoles share. It is safe for concurrent use.
type Kit struct {
	Programmes Programmes
	Clock      clock.Clock
	Public     *url.URL // where browsers reach the portal
	Secret     []byte   // derives support codes

	brands sync.Map // hash -> *brand.Sheet of every colour since the start
}

// Secure reports whether browsers reach the portal over TLS.
func (k *Kit) Secure() bool { return k.Public != nil && k.Public.Scheme == "https" }

// URL is the address of a path for use outside the portal.
func (k *Kit) URL(path string) string { return k.Public.JoinPath(path).String() }

// cookieName binds a cookie to this host where TLS allows it (RFC 6265bis, section 4.1.3.2).
func (k *Kit) cookieName(name string) string {
	if k.Secure() {
		return "__Host-" + name
	}
	return name
}

// Cookies that more than one part of the portal knows.
const (
	SessionCookie  = "offramp-session"  // the session's secret
	LanguageCookie = "offramp-language" // what this browser has chosen
)

// SetCookie keeps a value in the browser for age seconds; 0 means until the browser closes, a negative age removes it.
func (k *Kit) SetCookie(c echo.Context, name, value string, age int) {
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure wherever TLS is; plain http is for loopback only (ADR 5)
		Name: k.cookieName(name), Value: value, Path: "/", MaxAge: age,
		Secure: k.Secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// Cookie returns a value that SetCookie kept, or nothing.
func (k *Kit) Cookie(c echo.Context, name string) string {
	cookie, err := c.Cookie(k.cookieName(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// Layout is the shell for a page with this title. active is the key of the current entry of the navigation: plan,
// exports, replacements or help; empty for none.
func (k *Kit) Layout(c echo.Context, title, active string) ui.Page {
	p := k.Shell(Of(c), c.Request().URL.RequestURI(), title, active)
	p.Flash = k.takeFlash(c)
	return p
}

// Shell is Layout for a visit to a path with its query, without what the last action has left to say.
func (k *Kit) Shell(v *Visit, path, title, active string) ui.Page {
	p := ui.Page{Locale: v.Locale, Title: title, Path: path, Theme: v.Theme, Active: active, NoIndex: v.Session != nil}
	if v.Programme != nil {
		p.ProductName, p.CompanyName = v.Locale.Pick(v.Programme.Product.Name), v.Locale.Pick(v.Programme.Product.Company)
		p.Languages, p.Year, p.BrandCSS = v.Programme.Locales, v.Now.In(v.Programme.Zone).Year(), k.brandURL(v.Programme.Brand.Colour)
	}
	if v.Session != nil {
		p.Account = account(v)
	}
	if v.Session != nil && v.Session.CustomerID != "" {
		p.HomeURL = "/plan"
		p.Strip = unreached(v)
		p.Nav = []ui.NavItem{
			{Key: "plan", Label: v.Locale.T("nav.plan"), URL: "/plan"},
			{Key: "exports", Label: v.Locale.T("nav.exports"), URL: "/exports"},
		}
		if v.Programme != nil && len(v.Programme.Replacements) > 0 {
			p.Nav = append(p.Nav, ui.NavItem{Key: "replacements", Label: v.Locale.T("nav.replacements"), URL: "/replacements"})
		}
		if v.Programme != nil && v.Programme.Steps.Settle {
			p.Nav = append(p.Nav, ui.NavItem{Key: "refund", Label: v.Locale.T("nav.refund"), URL: "/refund"})
		}
		if v.Programme != nil && len(v.Programme.Notices.List) > 0 {
			p.Nav = append(p.Nav, ui.NavItem{Key: "inbox", Label: v.Locale.T("nav.messages"), URL: "/inbox"})
		}
		p.Nav = append(p.Nav, ui.NavItem{Key: "help", Label: v.Locale.T("nav.help"), URL: "/help"})
	}
	return p
}

// AsPaper has a page that people keep say on paper whose it is, as of which day, and where it is found. The day is the programme's,
// like the one that pages which customers share are kept for.
func (k *Kit) AsPaper(c echo.Context, p ui.Page) ui.Page { return k.Paper(Of(c), p) }

// Paper is AsPaper for a visit.
func (k *Kit) Paper(v *Visit, p ui.Page) ui.Page {
	p.Origin, p.Printed = strings.TrimSuffix(k.Public.String(), "/"), v.Locale.T("ui.printed", "Day", v.Locale.Date(v.Now, v.Programme.Zone))
	return p
}

// unreached says on every page of a person to whom we cannot write that what pages promise to mail does not arrive, and where to
// give an address. One rule decides it for all of them: auth.Session's MailTo.
func unreached(v *Visit) *ui.Banner {
	l, key := v.Locale, "account.mail.strip"
	switch {
	case v.Session.MailTo == "":
	case v.Session.MailProblem != "":
		key = "account.mail.strip.problem"
	default:
		return nil
	}
	return &ui.Banner{Tone: "warn", Title: l.T(key), Text: l.T("account.mail.strip.text"), Link: &ui.Link{Label: l.T("account.mail.strip.link"), URL: "/account#mail"}}
}

func account(v *Visit) *ui.Account {
	return &ui.Account{
		Name: v.Session.Name, Detail: v.Session.CustomerName, Links: []ui.Link{{Label: v.Locale.T("account.title"), URL: "/account"}},
	}
}

func (k *Kit) brandURL(colour string) string {
	if colour == "" {
		return ""
	}
	if known, ok := k.brands.Load(colour); ok {
		return known.(*brand.Sheet).URL()
	}
	sheet, err := brand.New(colour)
	if err != nil { // apply refuses such a programme; the built-in colours stand in for it
		return ""
	}
	k.brands.Store(colour, sheet)
	k.brands.Store(sheet.Hash(), sheet)
	return sheet.URL()
}

// Brand returns the stylesheet with this hash, if a page of this process can have named it.
func (k *Kit) Brand(ctx context.Context, hash string) (css []byte, ok bool) {
	if p, err := k.Programmes.Active(ctx); err == nil {
		k.brandURL(p.Brand.Colour) // another replica may have named it
	}
	sheet, ok := k.brands.Load(hash)
	if !ok {
		return nil, false
	}
	return sheet.(*brand.Sheet).CSS(), true
}
