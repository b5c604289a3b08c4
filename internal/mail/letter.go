package mail

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"offramp/internal/locale"
)

// letter is a mail before it is set in HTML and text.
type letter struct {
	Tag        string // language
	Subject    string
	Preheader  string // the line that mailboxes show beside the subject
	Product    string
	Greeting   string
	Title      string
	Paragraphs []string
	Rows       []row
	RowsTitle  string
	ZoneNote   string // empty: no row holds a time
	NextTitle  string
	Next       []string
	Button     string
	URL        string
	Safety     string
	HelpTitle  string
	Help       string
	Email      string
	Phone      string
	Hours      string
	Code       string // what support asks for
	Why        string
	Company    string
	Colour     string
}

type row struct {
	Name, Value string
	Line        string // both, for the text part
	Strong      bool
}

// errUnknownTemplate and errBadData end a mail: trying again would not mend it.
var (
	errUnknownTemplate = errors.New("mail: no such template")
	errBadData         = errors.New("mail: the data does not suit the template")
)

// writer composes one letter.
type writer struct {
	*locale.Locale
	head Letterhead
	to   recipient
	data map[string]string
	link string // of the portal
	open func(envelope, owner string) (string, error)
}

// compose writes the letter that args ask for, in the recipient's language.
func compose(a Args, to recipient, head Letterhead, c Config) (letter, error) {
	w := writer{Locale: locale.For(to.Locale), head: head, to: to, data: a.Data, link: strings.TrimRight(c.PortalURL, "/"), open: c.OpenCode}
	switch a.Template {
	case ExportReady, ExportExpiring:
		return w.export(a.Template, true)
	case ExportFailed:
		return w.export(a.Template, false)
	case HelpReceived, HelpAnswered:
		return w.help(a.Template, "/help/"+url.PathEscape(a.Data["request_id"]))
	case HelpRequest, HelpLate:
		return w.help(a.Template, "/console/support/help/"+url.PathEscape(a.Data["request_id"]))
	case ExportDelivered, ExportNotDelivered:
		return w.delivery(a.Template)
	case ChoiceMade, CodeReady, OfferExpiring, ChoiceWithdrawn:
		return w.choice(a.Template)
	case ConfirmAddress:
		return w.address()
	case MoveConfirmed:
		return w.moved(), nil
	case RefundReceived, RefundQuestion, RefundApproved, RefundPaid, RefundCredited, RefundReturned, RefundDeclined,
		RefundWithdrawn, RefundAnswered, RefundCorrected, RefundObjected, RefundUnfit:
		return w.refund(a.Template)
	default:
		return letter{}, fmt.Errorf("%w: %q", errUnknownTemplate, a.Template)
	}
}

// export writes a letter about one export: its words by the template's name, its number, and its size and last moment
// when there is a file.
func (w writer) export(template string, file bool) (letter, error) {
	reference, id := w.data["reference"], w.data["export_id"]
	if reference == "" || id == "" {
		return letter{}, fmt.Errorf("%w: reference and export_id are needed", errBadData)
	}
	rows := []row{w.row(w.T("mail.row.reference"), reference)}
	day, until, note := "", "", ""
	if file {
		size, err := strconv.ParseInt(w.data["size"], 10, 64)
		end, err2 := time.Parse(time.RFC3339, w.data["until"])
		if err := errors.Join(err, err2); err != nil {
			return letter{}, fmt.Errorf("%w: %w", errBadData, err)
		}
		day, until = w.Date(end, w.head.Zone), w.DateClock(end, w.head.Zone)
		note = w.T("time.zone_note", "Zone", w.ZoneName(w.head.Zone, end))
		last := w.row(w.T("mail.row.until"), until)
		last.Strong = true
		rows = append(rows, w.row(w.T("mail.row.size"), w.Size(size)), last)
	}
	l := w.frame(reference)
	say := func(part string) string {
		return w.T("mail."+template+"."+part, "Product", l.Product, "Day", day, "Until", until, "Reference", reference)
	}
	l.Subject, l.Preheader, l.Title, l.Paragraphs = say("subject"), say("preheader"), say("title"), []string{say("intro")}
	l.Rows, l.ZoneNote, l.Next = rows, note, []string{say("next1"), say("next2")}
	l.Button, l.URL = say("button"), w.link+"/exports/"+url.PathEscape(id)
	l.Why = w.T("mail.why_export", "Product", l.Product)
	return l, nil
}

func (w writer) row(name, value string) row {
	return row{Name: name, Value: value, Line: w.T("mail.row", "Name", name, "Value", value)}
}

// frame fills in what every letter has.
func (w writer) frame(reference string) letter {
	code := w.to.CustomerRef + " · " + reference
	return letter{
		Tag: w.Tag(), Product: w.Pick(w.head.Product), Company: w.Pick(w.head.Company), Colour: readable(w.head.Colour),
		Greeting:  w.T("mail.greeting", "Name", oneLine(w.to.Name)),
		RowsTitle: w.T("mail.rows"), NextTitle: w.T("mail.next"), Safety: w.T("mail.safety"),
		HelpTitle: w.T("mail.help"), Help: w.T("mail.help_text"),
		Email: w.head.Email, Phone: w.head.Phone, Hours: w.Pick(w.head.Hours), Code: w.T("mail.code", "Code", code),
	}
}

// oneLine keeps a name from becoming more than a name.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
