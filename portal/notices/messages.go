package notices

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/locale"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

const (
	messagesShown  = 50      // on one page
	messagesAtOnce = 10_000  // read at a time for a file
	messagesFiled  = 200_000 // in one file
)

// noChannel stands in an address for messages of which no channel was tried yet: an empty value would mean all of them.
const noChannel = "none"

func messagesURL(key string, query url.Values) string {
	return Path + "/" + url.PathEscape(key) + "/messages?" + query.Encode()
}

// queryOf is a part's value as it stands in an address.
func queryOf(p notice.Part) string {
	if p.Value == "" {
		return noChannel
	}
	return p.Value
}

// partName names one value of channel, tier or locale.
func partName(v *page.Visit, by, value string) string {
	switch {
	case by == "tier":
		return page.TierName(v.Locale, v.Programme, value)
	case by == "locale" && slices.Contains(v.Programme.Locales, value):
		return locale.For(value).T("language.name")
	case by == "locale":
		return value
	case value == "":
		return v.Locale.T("notice.channel.none")
	}
	return v.Locale.T("notice.channel." + value)
}

// readMessages reads which messages a page or a file is about.
func (p *Pages) readMessages(c echo.Context) (q notice.MessageQuery, from int, err error) {
	query, err := page.ReadQuery(c, page.Line("group", 20), page.Line("channel", 10), page.Line("tier", 64), page.Line("locale", 16), page.Line("from", 8))
	if err != nil {
		return q, 0, err
	}
	from, _ = strconv.Atoi(query.Get("from")) // what is no number is the first page
	q = notice.MessageQuery{
		Notice: c.Param("key"), Group: notice.Group(query.Get("group")), Channel: query.Get("channel"), Tier: query.Get("tier"), Locale: query.Get("locale"),
	}
	return q, max(0, from), nil
}

// ShowMessages lists whom a number of a notice counts.
func (p *Pages) ShowMessages(c echo.Context) error {
	v := page.Of(c)
	q, from, err := p.readMessages(c)
	if err != nil {
		return err
	}
	q.Offset, q.Limit = from, messagesShown
	list, found, err := p.Notices.Messages(c.Request().Context(), v.Session.IdentityID, q)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("notice.messages"), "notices")
	return page.Render(c, http.StatusOK, messagesPage(buildMessages(v, q, list, found, layout)))
}

// DownloadMessages sends the same as a table for people.
func (p *Pages) DownloadMessages(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	q, _, err := p.readMessages(c)
	if err != nil {
		return err
	}
	q.Limit = messagesAtOnce
	list, found, err := p.Notices.Messages(ctx, v.Session.IdentityID, q)
	if err != nil {
		return err
	}
	return page.WriteFile(c, "messages.csv", page.CSV, func(to io.Writer) error { return p.writeMessages(ctx, v, q, list, found, to) })
}

func (p *Pages) writeMessages(ctx context.Context, v *page.Visit, q notice.MessageQuery, list []notice.Message, found int, to io.Writer) error {
	w := spreadsheet.NewWriter(to)
	var head []spreadsheet.Cell
	for _, column := range messageColumns(v) {
		head = append(head, spreadsheet.Cell{Text: column.Label})
	}
	if err := w.Write(head); err != nil {
		return err
	}
	for written := 0; len(list) > 0 && written < messagesFiled; {
		for _, m := range list {
			var cells []spreadsheet.Cell
			for _, cell := range messageCells(v, m) {
				cells = append(cells, spreadsheet.Cell{Text: cell.Text})
			}
			if err := w.Write(cells); err != nil {
				return err
			}
		}
		written += len(list)
		if q.Offset += len(list); q.Offset >= found {
			return w.Flush()
		}
		var err error
		if list, _, err = p.Notices.Messages(ctx, v.Session.IdentityID, q); err != nil {
			return err
		}
	}
	if found > messagesFiled {
		if err := w.Write([]spreadsheet.Cell{{Text: v.Locale.T("notice.messages.cut", "Count", v.Locale.Number(messagesFiled))}}); err != nil {
			return err
		}
	}
	return w.Flush()
}

type messagesView struct {
	layout  ui.Page
	heading ui.Heading
	back    string
	url     string
	filters []ui.Selection
	table   ui.Table
	pages   ui.Pages
	file    ui.Link
}

func buildMessages(v *page.Visit, q notice.MessageQuery, list []notice.Message, found int, layout ui.Page) messagesView {
	l := v.Locale
	if q.Group == "" {
		q.Group = notice.All
	}
	values := url.Values{"group": {string(q.Group)}, "channel": {q.Channel}, "tier": {q.Tier}, "locale": {q.Locale}}
	view := messagesView{
		layout: layout, back: Path + "/" + q.Notice, url: Path + "/" + url.PathEscape(q.Notice) + "/messages",
		heading: ui.Heading{
			Eyebrow: page.NoticeName(l, v.Programme, q.Notice), Title: l.T("notice." + string(q.Group)), Lead: l.N("notice.messages.found", found),
		},
		filters: messageFilters(v, q),
		table:   ui.Table{ID: "messages", Caption: l.T("notice.messages"), Empty: l.T("notice.messages.none"), Columns: messageColumns(v)},
		file:    ui.Link{Label: l.T("notice.messages.file"), URL: Path + "/" + url.PathEscape(q.Notice) + "/messages.csv?" + values.Encode()},
	}
	for _, m := range list {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: messageCells(v, m)})
	}
	link := func(from int) string {
		values.Set("from", strconv.Itoa(from))
		return messagesURL(q.Notice, values)
	}
	last := q.Offset + len(list)
	view.pages = ui.Pages{Locale: l, From: int64(q.Offset + 1), To: int64(last), All: int64(found)}
	if q.Offset > 0 {
		view.pages.PreviousURL = link(max(0, q.Offset-messagesShown))
	}
	if last < found && len(list) > 0 {
		view.pages.NextURL = link(last)
	}
	return view
}

// messageFilters are the fields that narrow the list.
func messageFilters(v *page.Visit, q notice.MessageQuery) []ui.Selection {
	l := v.Locale
	field := func(id, value string, options ...ui.Option) ui.Selection {
		for i := range options {
			options[i].Selected = options[i].Value == value
		}
		return ui.Selection{Field: ui.Field{Locale: l, ID: id, Label: l.T("notice.by." + id)}, Options: options}
	}
	all := ui.Option{Label: l.T("notice.by.all")}
	var states []ui.Option
	for _, x := range counted {
		states = append(states, ui.Option{Value: string(x.group), Label: l.T("notice." + string(x.group))})
	}
	if !slices.ContainsFunc(states, func(o ui.Option) bool { return o.Value == string(q.Group) }) {
		states = append(states, ui.Option{Value: string(q.Group), Label: l.T("notice." + string(q.Group))})
	}
	channels, tiers, locales := []ui.Option{all}, []ui.Option{all}, []ui.Option{all}
	for _, c := range []string{migration.ChannelEmail, migration.ChannelSMS, migration.ChannelCall, ""} {
		value := c
		if c == "" {
			value = noChannel
		}
		channels = append(channels, ui.Option{Value: value, Label: partName(v, "channel", c)})
	}
	for _, t := range v.Programme.Tiers {
		tiers = append(tiers, ui.Option{Value: t.Key, Label: l.Pick(t.Name)})
	}
	for _, tag := range v.Programme.Locales {
		locales = append(locales, ui.Option{Value: tag, Label: partName(v, "locale", tag)})
	}
	return []ui.Selection{
		field("group", string(q.Group), states...), field("channel", q.Channel, channels...), field("tier", q.Tier, tiers...), field("locale", q.Locale, locales...),
	}
}

func messageColumns(v *page.Visit) []ui.Column {
	l := v.Locale
	return []ui.Column{
		{Label: l.T("console.customer")},
		{Label: l.T("console.number")},
		{Label: l.T("notice.by.tier")},
		{Label: l.T("notice.by.locale")},
		{Label: l.T("notice.due")},
		{Label: l.T("notice.by.channel")},
		{Label: l.T("notice.by.group"), Key: true},
		{Label: l.T("notice.sent_at")},
		{Label: l.T("notice.link")},
		{Label: l.T("notice.reached")},
	}
}

func messageCells(v *page.Visit, m notice.Message) []ui.Cell {
	l := v.Locale
	sent, reached := "", l.T("notice.reached.no")
	if m.SentAt != nil {
		sent = v.When(*m.SentAt)
	}
	if m.Reached {
		reached = l.T("notice.reached.yes")
	}
	return []ui.Cell{
		{Text: m.Name},
		{Text: m.Ref},
		{Text: partName(v, "tier", m.Tier)},
		{Text: partName(v, "locale", m.Locale)},
		{Text: v.DayOf(migration.DayOf(m.DueDay))},
		{Text: partName(v, "channel", m.Channel)},
		{Text: l.T("notice." + string(stateOfMessage(m)))},
		{Text: sent},
		{Text: l.T("notice.link." + cmp.Or(m.Followed, "none"))},
		{Text: reached},
	}
}

// stateOfMessage is the group that says most about one message.
func stateOfMessage(m notice.Message) notice.Group {
	switch m.Best {
	case "accepted", "delivered", "delayed":
		return notice.Accepted
	case "complained":
		return notice.Complained
	case "unknown", "lapsed":
		return notice.Unknown
	case "sending", "deferred":
		return notice.Deferred
	case "refused":
		return notice.Refused
	case "bounced":
		return notice.Bounced
	}
	switch {
	case m.Call:
		return notice.Calls
	case m.State == "planned":
		return notice.Waiting
	case m.State == "failed":
		return notice.Failed
	case m.State == "sent":
		return notice.Sent
	}
	return notice.Dropped
}
