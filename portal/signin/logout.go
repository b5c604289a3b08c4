package signin

import (
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/portal/page"
)

// TakeLogout answers a provider that announces an ended session (OpenID Connect Back-Channel Logout 1.0, section 2.5).
// The caller is no browser: the token is all that speaks for it. Fields that we do not know are ignored, as it is told to.
func (p *Pages) TakeLogout(realm auth.Realm) echo.HandlerFunc {
	return func(c echo.Context) error {
		token, err := logoutToken(c.Request())
		if err != nil {
			return err
		}
		if err := p.Auth.BackChannelLogout(c.Request().Context(), realm, token); err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	}
}

// logoutToken reads the one token from the body; the address is no place for it.
func logoutToken(r *http.Request) (string, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return "", page.Refuse(http.StatusUnsupportedMediaType)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["logout_token"]) != 1 {
		return "", auth.ErrLogoutToken
	}
	return form.Get("logout_token"), nil
}
