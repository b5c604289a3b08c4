package helpdesk

import (
	"net/url"

	"offramp/migration/assistance"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// queueView is one part of the queue.
type queueView struct {
	layout  ui.Page
	heading ui.Heading
	shelves []shelfLink
	table   ui.Table
	pages   ui.Pages
}

type shelfLink struct {
	link    ui.Link
	current bool
}

func shelfURL(shelf assistance.Shelf, next *assistance.Cursor) string {
	q := url.Values{"shelf": {string(shelf)}}
	if next != nil {
		q.Set("after", placeText(*next))
	}
	return QueuePath + "?" + q.Encode()
}

func buildQueue(v *page.Visit, shelf assistance.Shelf, further bool, list []assistance.Listed, next *assistance.Cursor, layout ui.Page) queueView {
	l := v.Locale
	view := queueView{layout: layout, heading: ui.Heading{Title: l.T("helpdesk.queue"), Lead: l.T("helpdesk.queue.lead")}, pages: ui.Pages{Locale: l}}
	for _, s := range assistance.Shelves {
		view.shelves = append(view.shelves, shelfLink{ui.Link{Label: l.T("helpdesk.shelf." + string(s)), URL: shelfURL(s, nil)}, s == shelf})
	}
	view.table = ui.Table{
		ID: "requests", Caption: l.T("helpdesk.shelf." + string(shelf)), Empty: l.T("helpdesk.shelf." + string(shelf) + ".none"),
		Columns: []ui.Column{
			{Label: l.T("export.reference")},
			{Label: l.T("console.customer")},
			{Label: l.T("helpdesk.topic")},
			{Label: l.T("helpdesk.priority")},
			{Label: l.T("helpdesk.when." + when(shelf))},
			{Label: l.T("helpdesk.owner")},
		},
	}
	for _, r := range list {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Reference(), URL: URL(r.ID), Note: r.ExportReference + r.Refund},
			{Text: r.CustomerName + " · " + r.CustomerRef, URL: customerURL(r.CustomerID), Note: page.TierName(l, v.Programme, r.Tier)},
			{Text: topicName(v, r.Topic)},
			priority(v, r.Request),
			{Text: moment(v, shelf, r.Request)},
			{Text: ownerName(v, r)},
		}})
	}
	if further {
		view.pages.PreviousURL = shelfURL(shelf, nil)
	}
	if next != nil {
		view.pages.NextURL = shelfURL(shelf, next)
	}
	return view
}

// when names the column of instants.
func when(shelf assistance.Shelf) string {
	switch shelf {
	case assistance.SnoozedShelf:
		return "back"
	case assistance.AnsweredOnes:
		return "answered"
	}
	return "due"
}

func moment(v *page.Visit, shelf assistance.Shelf, r assistance.Request) string {
	switch {
	case shelf == assistance.SnoozedShelf && r.SnoozedUntil != nil:
		return v.When(*r.SnoozedUntil)
	case shelf == assistance.AnsweredOnes && r.AnsweredAt != nil:
		return v.When(*r.AnsweredAt)
	case r.Late(v.Now):
		return v.Locale.T("helpdesk.late", "Since", v.Locale.Duration(v.Now.Sub(r.DueAt)))
	}
	return v.When(r.DueAt)
}

func topicName(v *page.Visit, topic string) string {
	if topic == "" {
		topic = "other"
	}
	return v.Locale.T("help.topic." + topic)
}

// priority says why a request stands where it stands.
func priority(v *page.Visit, r assistance.Request) ui.Cell {
	l, tone := v.Locale, console.Theirs
	switch {
	case r.State != assistance.Open:
		return ui.Cell{Body: ui.Tag("", console.HelpTurn(r.State), l.T("staff.help.state."+string(r.State)))}
	case r.Priority == assistance.Raised:
		tone = console.Problem
	case r.Priority == assistance.Urgent:
		tone = console.Ours
	}
	return ui.Cell{Body: ui.Tag("", tone, l.T("helpdesk.priority."+priorityKey(r.Priority)))}
}

func priorityKey(p assistance.Priority) string {
	return map[assistance.Priority]string{assistance.Raised: "raised", assistance.Urgent: "urgent", assistance.Normal: "normal", assistance.Calm: "calm"}[p]
}

func ownerName(v *page.Visit, r assistance.Listed) string {
	switch {
	case r.Owner == "":
		return v.Locale.T("helpdesk.nobody")
	case r.Owner == v.Session.IdentityID:
		return v.Locale.T("helpdesk.me")
	case r.OwnerName != "":
		return r.OwnerName
	}
	return r.Owner
}
