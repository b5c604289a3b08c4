package document

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"offramp/internal/audit"
	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Body is room for a form with a document. What is somewhat too big is still read, to be refused beside its field.
const Body = refund.MaxDocument + 6<<20

// Field is the name of the field that takes a document.
const Field = "document"

// Read reads the form that attaches a document: the document, and whether the customer sees it, where finance sends it. What was
// refused is read to its end by Refused.
func Read(c echo.Context, inputs ...page.Input) (refund.Upload, error) {
	form, file, err := page.ReadFormWithFile(c, Field, inputs...)
	u := Upload(file, form.Get("shown") == "yes")
	if err == nil && file == nil {
		err = page.NoFile(Field)
	}
	return u, err
}

// Shown is the input that lets the customer see a document of finance's.
var Shown = page.Line("shown", 3)

// Upload is a file of a form on its way to the refund; nil: there is none.
func Upload(file *page.File, shown bool) refund.Upload {
	if file == nil {
		return refund.Upload{Shown: shown}
	}
	return refund.Upload{Name: file.Name, Body: file, Shown: shown}
}

// Refused reports whether an error is about what was sent, so that the form is shown again, with its status.
func Refused(c echo.Context, err error) (status int, ok bool) {
	f, known := fault.As(err)
	if !known {
		return 0, false
	}
	page.Drain(c)
	switch {
	case len(f.Fields) > 0:
		return http.StatusUnprocessableEntity, true
	case f.Kind == fault.Conflict:
		return http.StatusConflict, true
	}
	return 0, false
}

// Send hands a document out and closes it.
func Send(c echo.Context, content *refund.DocumentContent) error {
	defer func() { _ = content.Close() }()
	return page.SendFile(c, content.Name, content.Kind.MediaType(), content)
}

// List is what is shown of a refund's documents.
type List struct {
	Refund    refund.Refund
	Documents []refund.Document
	URL       string                 // of the refund's documents
	Person    string                 // who looks, and may remove what they attached
	Name      func(id string) string // of people, for finance; nil: the customer looks
}

// Table lists the documents.
func (d List) Table(v *page.Visit) ui.Table {
	l := v.Locale
	t := ui.Table{
		ID: "documents", Plain: true, Caption: l.T("console.table", "Title", l.T("document.title")), Empty: l.T("document.none"),
		Columns: []ui.Column{{Label: l.T("document.name"), Wide: true}, {Label: l.T("document.scan")}, {Label: l.T("document.at")}},
	}
	if d.Name != nil {
		t.Columns = append(t.Columns, ui.Column{Label: l.T("document.sight")})
	}
	t.Columns = append(t.Columns, ui.Column{Label: l.T("document.action"), Hidden: true})
	for _, one := range d.Documents {
		t.Rows = append(t.Rows, d.row(v, one))
	}
	return t
}

func (d List) row(v *page.Visit, one refund.Document) ui.Row {
	l := v.Locale
	name := ui.Cell{Text: one.Name, Note: l.T("document.kind."+string(one.Kind)) + " · " + l.Size(one.Size)}
	if one.Handed() {
		name.URL = d.URL + "/" + url.PathEscape(one.ID)
	}
	cells := []ui.Cell{name, d.scan(v, one), {Text: v.When(one.At), Note: d.by(v, one)}}
	if d.Name != nil {
		sight := "document.sight.finance"
		if one.Shown {
			sight = "document.sight.all"
		}
		cells = append(cells, ui.Cell{Text: l.T(sight)})
	}
	return ui.Row{Cells: append(cells, d.action(v, one)), Blocked: !one.There()}
}

// scanTones are the colours of what a scanner says.
var scanTones = map[refund.ScanState]ui.Tone{
	refund.Unscanned: ui.ToneNotNeeded, refund.Scanning: ui.ToneInProgress, refund.Harmless: ui.ToneCompleted, refund.Unfit: ui.ToneProblem,
}

// scan says what a scanner says of a document and, where it cannot be opened for that, what follows.
func (d List) scan(v *page.Visit, one refund.Document) ui.Cell {
	l, key := v.Locale, "document.scan."+string(one.Scan)
	cell := ui.Cell{Body: ui.Tag("", scanTones[one.Scan], l.T(key))}
	switch {
	case !one.There():
	case one.Scan == refund.Scanning:
		cell.Note = l.T(key + ".note")
	case one.Scan == refund.Unfit && d.Name != nil:
		cell.Note = l.T("document.scan.found", "Name", one.Found)
	case one.Scan == refund.Unfit && d.Refund.Attachable():
		cell.Note = l.T(key + ".note")
	case one.Scan == refund.Unfit:
		cell.Note = l.T(key + ".over")
	}
	return cell
}

func (d List) by(v *page.Visit, one refund.Document) string {
	switch {
	case d.Name != nil:
		return d.Name(one.By)
	case one.ByKind == audit.Customer:
		return v.Locale.T("document.by.you")
	}
	return v.Locale.T("document.by.us")
}

// action removes a document, or says when it was.
func (d List) action(v *page.Visit, one refund.Document) ui.Cell {
	l := v.Locale
	switch {
	case one.RemovedAt != nil && d.Name != nil:
		return ui.Cell{Text: l.T("document.removed.by", "When", v.When(*one.RemovedAt), "Who", d.Name(one.RemovedBy))}
	case one.RemovedAt != nil:
		return ui.Cell{Text: l.T("document.removed", "When", v.When(*one.RemovedAt))}
	case d.Refund.Removable(one, d.Person):
		return ui.Cell{Body: ui.PostAction(ui.Action{
			URL: d.URL + "/" + url.PathEscape(one.ID) + "/remove", Button: ui.Button{Label: l.T("document.remove"), Hidden: one.Name, Kind: ui.Quiet},
		})}
	}
	return ui.Cell{Body: templ.NopComponent}
}

// Form takes a new document.
type Form struct {
	Action string
	Lead   string
	File   ui.Input
	Shown  *ui.Choices // nil: it is the customer's
	Send   ui.Button
}

// NewForm takes a document for a refund; finance says who sees it. wrong is what the field was refused for.
func NewForm(v *page.Visit, action string, finance, shown bool, wrong string) *Form {
	l := v.Locale
	f := &Form{Action: action, File: Input(v, Field, "document.file", "document.file.hint", wrong), Send: ui.Button{Label: l.T("document.send")}}
	if !finance {
		f.Lead = l.T("document.attach.lead")
		return f
	}
	f.Shown = &ui.Choices{
		Field:   ui.Field{Locale: l, ID: "shown", Label: l.T("document.audience")},
		Options: []ui.Option{{Value: "yes", Label: l.T("document.audience.shown"), Hint: l.T("document.audience.hint"), Selected: shown}},
	}
	return f
}

// Input is the field that takes a document.
func Input(v *page.Visit, id, label, hint, wrong string) ui.Input {
	l := v.Locale
	return ui.Input{
		Field: ui.Field{Locale: l, ID: id, Name: Field, Label: l.T(label), Hint: l.T(hint, "Megabytes", refund.MaxDocument>>20), Error: wrong},
		Type:  "file", Accept: "application/pdf,image/png,image/jpeg,.pdf,.png,.jpg,.jpeg",
	}
}
