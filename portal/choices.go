package portal

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/locale"
	"offramp/portal/page"
)

const year = 365 * 24 * 60 * 60

// chooseLanguage remembers a language in this browser and, for those who are signed in, in their profile. A language that
// is not on offer changes nothing.
func (s *Server) chooseLanguage(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("return_to", 300))
	if err != nil {
		return err
	}
	v, tag := page.Of(c), c.Param("tag")
	back := comeBack(form.Get("return_to"))
	if !slices.Contains(s.offered(v.Programme), tag) {
		return page.Redirect(c, back)
	}
	s.kit.SetCookie(c, languageCookie, tag, year)
	if v.Session != nil && v.Session.Locale != tag {
		if err := s.sessions.SaveProfile(c.Request().Context(), *v.Session, auth.Profile{Locale: tag}); err != nil {
			return err
		}
	}
	return page.Redirect(c, inLanguage(back, tag))
}

// chooseTheme remembers light, dark or what the system says.
func (s *Server) chooseTheme(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("return_to", 300))
	if err != nil {
		return err
	}
	switch theme := c.Param("value"); theme {
	case "light", "dark":
		s.kit.SetCookie(c, themeCookie, theme, year)
	case "auto":
		s.kit.SetCookie(c, themeCookie, "", -1)
	}
	return page.Redirect(c, comeBack(form.Get("return_to")))
}

// comeBack is the page to return to: only plain paths of this site are followed, without what was searched for where that
// needs escapes. Anything else leads to the start.
func comeBack(raw string) string {
	if path, ok := auth.LocalPath(raw); ok {
		return path
	}
	path, _, _ := strings.Cut(raw, "?")
	if path, ok := auth.LocalPath(path); ok {
		return path
	}
	if tag := strings.Trim(path, "/"); path == "/"+tag+"/" && slices.Contains(locale.Tags(), tag) {
		return path
	}
	return "/"
}

// inLanguage is the same public page in another language; other pages have one address for all.
func inLanguage(path, tag string) string {
	for _, other := range locale.Tags() {
		if rest, ok := strings.CutPrefix(path, "/"+other+"/"); ok {
			return "/" + tag + "/" + rest
		}
	}
	return path
}
