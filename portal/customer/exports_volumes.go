package customer

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// several reports whether an export has more than one file.
func several(e export.Export) bool { return len(e.Volumes) > 1 }

// volumes lists the files of an export, with their downloads when offered.
func (w exportWords) volumes(e export.Export, offered bool) ui.Table {
	if !several(e) || e.ReadyAt == nil {
		return ui.Table{}
	}
	l := w.l
	t := ui.Table{ID: "volumes", Caption: l.T("export.volumes"), Plain: true, Columns: []ui.Column{
		{Label: l.T("export.volume")}, {Label: l.T("export.contents")}, {Label: l.T("export.size"), Numeric: true}, {Label: l.T("export.checksum"), Wide: true},
	}}
	if offered {
		t.Columns = append(t.Columns, ui.Column{Label: l.T("export.volume.get"), Hidden: true})
	}
	for _, v := range e.Volumes {
		name := l.T("export.volume.number", "Number", v.Number)
		cells := []ui.Cell{
			{Text: name}, {Text: w.datasets(v.Datasets)}, {Text: l.Size(v.Size)}, {Body: ui.Copyable(l, v.SHA256, name)},
		}
		if offered {
			cells = append(cells, ui.Cell{Body: ui.LinkButton(ui.Plain, ui.Link{Label: l.T("export.volume.get"), Hidden: name, URL: volumeURL(e, v.Number), Icon: ui.IconDownload})})
		}
		t.Rows = append(t.Rows, ui.Row{Cells: cells})
	}
	t.Total = []ui.Cell{{Text: l.T("export.total"), Span: 2}, {Text: l.Size(e.ObjectSize)}, {Span: len(t.Columns) - 3}}
	return t
}

// datasets names datasets by their keys.
func (w exportWords) datasets(keys []string) string {
	names := make([]string, 0, len(keys))
	for _, key := range keys {
		names = append(names, w.dataset(key))
	}
	return strings.Join(names, " · ")
}

// sets says how far each dataset of a running export is.
func (w exportWords) sets(e export.Export) ui.Table {
	l := w.l
	t := ui.Table{ID: "sets", Caption: l.T("export.sets"), Plain: true, Columns: []ui.Column{
		{Label: l.T("export.dataset")}, {Label: l.T("export.sets.rows"), Numeric: true}, {Label: l.T("export.sets.files"), Numeric: true},
	}}
	if e.State != export.Running {
		return t
	}
	of := func(done, total string) string { return l.T("export.of", "Done", done, "Total", total) }
	for _, d := range e.Datasets {
		files := ""
		if d.FilesTotal > 0 {
			files = of(l.Number(d.Files), l.Number(d.FilesTotal))
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: w.dataset(d.Dataset)}, {Text: of(l.Number(d.Rows), l.Number(d.RowsTotal))}, {Text: files},
		}})
	}
	return t
}

// fileName is how a downloaded volume is called.
func (w exportWords) fileName(e export.Export, number int) string {
	return export.FileName(w.p.Key, w.v.Session.CustomerRef, e, number, max(1, len(e.Volumes)))
}

// howTo says how the files are checked.
func (w exportWords) howTo(e export.Export) *howTo {
	name, end, password := w.fileName(e, 1), ".zip", ""
	if e.Selection.Locked {
		end, password = "-locked.zip", " --password-file password.txt"
	}
	if several(e) {
		name = strings.TrimSuffix(name, "-01"+end) + "-*" + end
	}
	command := "offramp verify " + name + password
	return &howTo{command: command, sha256: e.SHA256, here: &ui.Link{Label: w.l.T("export.check.here"), URL: exportURL(e) + "/check#check-here"}}
}

// receiptFiles are the receipt to take along.
func (w exportWords) receiptFiles(e export.Export) []ui.Link {
	return []ui.Link{
		{Label: w.l.T("export.receipt.json"), URL: exportURL(e) + "/receipt.json", Download: true},
		{Label: w.l.T("export.receipt.signed"), URL: exportURL(e) + "/receipt.jws", Download: true},
	}
}

// repair builds again what failed, where something did and the reader can start an export.
func (w exportWords) repair(plan migration.Plan, e export.Export) *ui.Action {
	if open, _ := w.door(plan); !open || !export.Mendable(*e.Receipt) {
		return nil
	}
	return &ui.Action{URL: exportURL(e) + "/repair", Button: ui.Button{Label: w.l.T("export.repair")}}
}

// volumeList is what the check in the browser asks for; static/js/check.js reads it.
type volumeList struct {
	Export  string       `json:"export"`
	Slice   int64        `json:"slice"` // bytes
	Volumes []volumeItem `json:"volumes"`
}

type volumeItem struct {
	Number int      `json:"number"`
	Name   string   `json:"name"`
	Size   int64    `json:"size"`
	Slices []string `json:"slices"` // SHA-256, hexadecimal
}

// ListVolumes tells the check in the browser what the files of an export must be.
func (p *Pages) ListVolumes(c echo.Context) error {
	e, plan, err := p.readExport(c)
	if err != nil {
		return err
	}
	if e.ReadyAt == nil {
		return export.ErrNotReady
	}
	v := page.Of(c)
	volumes, err := p.Exports.Volumes(c.Request().Context(), v.Who(), e.ID)
	if err != nil {
		return err
	}
	body, err := json.Marshal(newExportWords(v, plan).volumeList(e, volumes))
	if err != nil {
		return err
	}
	return page.Send(c, http.StatusOK, "application/json", body)
}

func (w exportWords) volumeList(e export.Export, volumes []export.Volume) volumeList {
	list := volumeList{Export: e.Reference(), Slice: export.SliceSize, Volumes: []volumeItem{}}
	for _, v := range volumes {
		list.Volumes = append(list.Volumes, volumeItem{Number: v.Number, Name: w.fileName(e, v.Number), Size: v.Size, Slices: v.Slices})
	}
	return list
}
