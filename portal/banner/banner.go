// Package banner tells the product's own users of the closure, within the product: public JSON, and a script that shows it.
package banner

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
)

// Addresses that the product's pages load.
const (
	ScriptPath = "/banner.js"
	DataPath   = "/banner.json"
)

//go:embed banner.js
var script []byte

// Announced tells whether the public notice of a programme has gone out.
type Announced interface {
	Announced(ctx context.Context, p *migration.Programme) (bool, error)
}

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Notices Announced
}

// Banner is the JSON. With Show false nothing else is there.
type Banner struct {
	Show  bool   `json:"show"`
	ID    string `json:"id,omitempty"` // another one once the text has changed: who has hidden it sees it again
	Lang  string `json:"lang,omitempty"`
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
	Link  *Link  `json:"link,omitempty"`
	Hide  string `json:"hide,omitempty"`
}

// Link leads to the portal.
type Link struct {
	Text string `json:"text"`
	Href string `json:"href"`
}

// Script is the script. It is the same for every programme.
func (p *Pages) Script(c echo.Context) error {
	foreign(c, time.Hour)
	return page.Send(c, http.StatusOK, "text/javascript; charset=utf-8", script)
}

// Data is what the script shows, in the language that is asked for or the programme's first.
func (p *Pages) Data(c echo.Context) error {
	query, err := page.ReadQuery(c, page.Line("lang", 35))
	if err != nil {
		return err
	}
	b, err := p.banner(c.Request().Context(), query.Get("lang"))
	if err != nil {
		return err
	}
	body, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("write banner: %w", err)
	}
	foreign(c, 5*time.Minute)
	return page.Send(c, http.StatusOK, "application/json; charset=utf-8", body)
}

// foreign lets pages of other origins load an answer that is the same for everybody.
func foreign(c echo.Context, fresh time.Duration) {
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(fresh.Seconds())))
}

// banner is shown from the announcement until the last day of exports. Where the programme has notices, the public one has gone out
// before: nobody learns of the closure by chance.
func (p *Pages) banner(ctx context.Context, tag string) (Banner, error) {
	program, err := p.Programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return Banner{}, nil
	}
	if err != nil {
		return Banner{}, err
	}
	if now := p.Clock.Now(); now.Before(day(program, migration.Announcement).Start(program.Zone)) || now.After(day(program, migration.ExportDeadline).End(program.Zone)) {
		return Banner{}, nil
	}
	if out, err := p.Notices.Announced(ctx, program); err != nil || !out {
		return Banner{}, err
	}
	l := locale.For(locale.Negotiate(tag, program.Locales))
	date := func(key string) string { return page.DatesIn(l, program.Zone).DayOf(day(program, key)) }
	b := Banner{
		Show: true, Lang: l.Tag(), Hide: l.T("banner.hide"),
		Title: l.T("banner.title", "Product", l.Pick(program.Product.Name), "Date", date(migration.ServiceEnd)),
		Text:  l.T("banner.text", "Date", date(migration.ExportDeadline)),
		Link:  &Link{Text: l.T("banner.link"), Href: p.URL("/")},
	}
	sum := sha256.Sum256([]byte(b.Title + "\n" + b.Text))
	b.ID = hex.EncodeToString(sum[:6])
	return b, nil
}

func day(p *migration.Programme, key string) migration.Day {
	m, _ := p.Milestone(key) // the four are in every programme
	return m.Day
}
