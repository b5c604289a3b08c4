// Package inbox holds everything that a customer's contact was ever sent, and which mails they take.
package inbox

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/mail/report"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/notice/click"
	"offramp/migration/notice/reader"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Path is where the inbox is.
const Path = "/inbox"

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Notices   *notice.Service
	Customers *migration.Service
	Seals     report.Seals // of the mails in which somebody declines others
	Clicks    *click.Service
	Log       *slog.Logger
	Readers   *reader.Service
	Texts     bool // there is a gateway for short messages
}

// Show lists what the contact was sent, newest first.
func (p *Pages) Show(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	list, err := p.Notices.Inbox(ctx, v.Who())
	if err != nil {
		return err
	}
	wants, err := p.Notices.Wants(ctx, v.Who())
	if err != nil {
		return err
	}
	phone, err := p.Readers.Phone(ctx, v.Who())
	if err != nil {
		return err
	}
	plan, err := p.Customers.Plan(ctx, v.Scope(), v.Who().CustomerID)
	if err != nil {
		return err
	}
	dates := v.Programme.Schedule(plan.Extensions, v.Now)
	return page.Render(c, http.StatusOK, inboxPage(build(v, list, dates, wants, textCard(v, phone, p.Texts), p.Layout(c, v.Locale.T("inbox.title"), "inbox"))))
}

// SavePreferences records which mails the contact takes.
func (p *Pages) SavePreferences(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("optional", 3))
	if err != nil {
		return err
	}
	if err := p.Notices.Want(c.Request().Context(), page.Of(c).Who(), form.Get("optional") == "yes"); err != nil {
		return err
	}
	return p.Flash(c, Path, "ok", "flash.preferences_saved")
}

// oneClick is the body of the POST that a mail provider sends for a reader (RFC 8058, section 3.2). Our button sends the same.
const oneClick = "List-Unsubscribe"

// AskLeave asks whether the reader of a mail wants no optional mails any more. Looking changes nothing: mail scanners look, too.
func (p *Pages) AskLeave(c echo.Context) error {
	if _, ok := p.Seals.OpenLeave(c.Param("token")); !ok {
		return notice.ErrUnknown
	}
	return p.showLeave(c, false)
}

// Leave does it. Nobody has to sign in for it: the mail's token says who they are.
func (p *Pages) Leave(c echo.Context) error {
	id, ok := p.Seals.OpenLeave(c.Param("token"))
	if !ok {
		return notice.ErrUnknown
	}
	form, err := page.ReadForm(c, page.Line(oneClick, 20))
	if err != nil {
		return err
	}
	if form.Get(oneClick) != "One-Click" {
		return p.showLeave(c, false)
	}
	if err := p.Notices.Leave(c.Request().Context(), id); err != nil {
		return err
	}
	return p.showLeave(c, true)
}

func (p *Pages) showLeave(c echo.Context, done bool) error {
	l := page.Of(c).Locale
	w := leaveView{heading: ui.Heading{Title: l.T("leave.title"), Lead: l.T("leave.text")}}
	if done {
		w.heading = ui.Heading{Title: l.T("leave.done"), Lead: l.T("leave.done.text")}
		w.back = &ui.Link{Label: l.T("leave.change"), URL: Path}
	} else {
		w.leave = &ui.Action{URL: c.Request().URL.Path, Hidden: []ui.Pair{{Name: oneClick, Value: "One-Click"}}, Button: ui.Button{Label: l.T("leave.do"), Kind: ui.Primary}}
	}
	w.layout = p.Layout(c, w.heading.Title, "")
	w.layout.Narrow, w.layout.NoIndex = true, true
	return page.Render(c, http.StatusOK, leavePage(w))
}

// leaveView is the page for declining optional mails.
type leaveView struct {
	layout  ui.Page
	heading ui.Heading
	leave   *ui.Action
	back    *ui.Link
}

// view is the page.
type view struct {
	layout  ui.Page
	heading ui.Heading
	none    *ui.Empty
	mails   []mailCard
	choice  ui.Choices
	save    ui.Button
	text    *ui.Link // to the number for short messages; nil: there are none
}

type mailCard struct {
	card  ui.Card
	sent  string
	moved []ui.Banner // dates in it that are others by now
	tag   string
	body  string
}

func build(v *page.Visit, list []notice.Received, dates []migration.Date, wants bool, text *ui.Link, layout ui.Page) view {
	l := v.Locale
	w := view{
		layout: layout, text: text, heading: ui.Heading{Title: l.T("inbox.title"), Lead: l.T("inbox.lead")},
		choice: ui.Choices{
			Field:   ui.Field{Locale: l, ID: "optional", Label: l.T("inbox.choice")},
			Options: []ui.Option{{Value: "yes", Label: l.T("inbox.optional"), Hint: l.T("inbox.optional.hint"), Selected: wants}},
		},
		save: ui.Button{Label: l.T("inbox.save"), Kind: ui.Plain},
	}
	if len(list) == 0 {
		w.none = &ui.Empty{ID: "none", Title: l.T("inbox.none"), Text: l.T("inbox.none.text")}
	}
	for i, m := range list {
		card := mailCard{
			card: ui.Card{ID: "mail-" + strconv.Itoa(i+1), Title: m.Subject, Meta: v.When(m.At)}, tag: m.Tag, body: m.Body,
			sent: l.T("inbox.state." + m.State),
		}
		if m.Channel == migration.ChannelSMS {
			card.sent = l.T("inbox.text." + m.State)
		}
		for _, d := range dates {
			if told, ok := m.Days[d.Key]; ok && told != d.Day {
				card.moved = append(card.moved, ui.Banner{Tone: "warn", Title: l.T("inbox.moved", "Date", page.MilestoneName(l, d.Milestone),
					"Was", v.DayOf(told), "Is", v.DayOf(d.Day))})
			}
		}
		w.mails = append(w.mails, card)
	}
	return w
}
