package inbox

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/migration"
	"offramp/migration/notice/click"
	"offramp/portal/page"
)

// clickTime bounds how long a reader waits for a click to be kept.
const clickTime = time.Second

// Follow leads the reader of a mail to where its link says, and keeps that it was followed. A link always leads on, whatever its
// token is worth; staff who try the links of a preview are nobody's reader.
func (p *Pages) Follow(c echo.Context) error {
	place := c.Param("place")
	to, known := migration.NoticeLinks[place]
	if !known {
		place, to = "plan", migration.NoticeLinks["plan"]
	}
	if v := page.Of(c); v.Session == nil || v.Session.Realm != auth.Staff {
		ctx, cancel := context.WithTimeout(c.Request().Context(), clickTime)
		defer cancel()
		if err := p.Clicks.Follow(ctx, c.Param("token"), place, click.Sign{Method: c.Request().Method, Header: c.Request().Header}); err != nil {
			p.Log.WarnContext(ctx, "keep a click", slog.Any("error", err))
		}
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusFound, to)
}
