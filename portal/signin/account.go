package signin

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
)

const (
	accountPath = "/account"
	cookieYear  = 365 * 24 * 60 * 60
)

var errProfile = fault.New(fault.Invalid, "fault.input")

// ShowAccount shows the person's language, zone and sessions.
func (p *Pages) ShowAccount(c echo.Context) error {
	v := page.Of(c)
	return p.renderAccount(c, http.StatusOK, auth.Profile{Locale: v.Locale.Tag(), Zone: v.Zone().String()}, "", nil)
}

func (p *Pages) renderAccount(c echo.Context, status int, profile auth.Profile, typed string, refused error) error {
	v := page.Of(c)
	live, err := p.Auth.List(c.Request().Context(), *v.Session)
	if err != nil {
		return err
	}
	return page.Render(c, status, accountPage(buildAccount(v, profile, live, typed, refused, p.Layout(c, v.Locale.T("account.title"), ""))))
}

// SaveAccount stores the language and the zone.
func (p *Pages) SaveAccount(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("locale", 20), page.Line("zone", 60))
	if err != nil && !hasFields(err) {
		return err
	}
	v := page.Of(c)
	profile := auth.Profile{Locale: form.Get("locale"), Zone: form.Get("zone")}
	if v.Session.Realm == auth.Staff {
		profile.Zone = v.Zone().String()
	}
	if err := checkProfile(v, profile); err != nil {
		return p.renderAccount(c, http.StatusUnprocessableEntity, profile, "", err)
	}
	if err := p.Auth.SaveProfile(c.Request().Context(), *v.Session, profile); err != nil {
		return err
	}
	p.SetCookie(c, page.LanguageCookie, profile.Locale, cookieYear)
	return p.Flash(c, accountPath, "ok", "flash.profile_saved")
}

func hasFields(err error) bool {
	f, ok := fault.As(err)
	return ok && len(f.Fields) > 0
}

func checkProfile(v *page.Visit, profile auth.Profile) error {
	refusal := errProfile
	if !slices.Contains(languages(v.Programme), profile.Locale) {
		refusal = refusal.Field("locale", "auth.profile.locale", nil)
	}
	if !slices.Contains(zoneNames(v), profile.Zone) {
		refusal = refusal.Field("zone", "auth.profile.zone", nil)
	}
	if len(refusal.Fields) > 0 {
		return refusal
	}
	return nil
}

// languages are those that both the programme and the product speak.
func languages(p *migration.Programme) []string {
	if p == nil {
		return locale.Tags()
	}
	return slices.DeleteFunc(slices.Clone(p.Locales), func(tag string) bool { return !slices.Contains(locale.Tags(), tag) })
}

// EndSession ends one of the person's sessions. Ending the current one is signing out.
func (p *Pages) EndSession(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v, id := page.Of(c), c.Param("id")
	if id == v.Session.ID {
		return p.SignOut(c)
	}
	if err := p.Auth.End(c.Request().Context(), *v.Session, id); err != nil {
		return err
	}
	return p.Flash(c, accountPath, "ok", "flash.session_ended")
}

// EndOthers ends all of the person's sessions but this one.
func (p *Pages) EndOthers(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if _, err := p.Auth.EndOthers(c.Request().Context(), *page.Of(c).Session); err != nil {
		return err
	}
	return p.Flash(c, accountPath, "ok", "flash.sessions_ended")
}
