package page

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/portal/ui"
)

const flashCookie = "offramp-flash"

// Redirect answers a POST: the browser goes on with a GET of a path of ours.
func Redirect(c echo.Context, path string) error {
	return c.Redirect(http.StatusSeeOther, path)
}

// Flash redirects and has the next page say what was done. key is a message id that begins with "flash."; tone is ok,
// info, warn or bad.
func (k *Kit) Flash(c echo.Context, path, tone, key string) error {
	place, _, _ := strings.Cut(path, "#")
	k.SetCookie(c, flashCookie, tone+":"+key+":"+place, 60)
	return Redirect(c, path)
}

// takeFlash returns the message left by the last action for this page and forgets it: on another page it would speak of an earlier
// act. Only messages of the catalogue are shown, so a
// forged cookie can say nothing of its own.
func (k *Kit) takeFlash(c echo.Context) *ui.Banner {
	value := k.Cookie(c, flashCookie)
	if value == "" {
		return nil
	}
	k.SetCookie(c, flashCookie, "", -1)
	tone, rest, _ := strings.Cut(value, ":")
	key, place, _ := strings.Cut(rest, ":")
	l := Of(c).Locale
	if !strings.HasPrefix(key, "flash.") || !l.Has(key) || place != c.Request().URL.RequestURI() {
		return nil
	}
	if tone != "ok" && tone != "warn" && tone != "bad" {
		tone = "info"
	}
	return &ui.Banner{Tone: tone, Title: l.T(key)}
}
