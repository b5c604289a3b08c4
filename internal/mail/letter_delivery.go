package mail

import (
	"fmt"
	"net/url"
	"strconv"
)

// delivery writes a letter about a copy in the customer's own bucket: that it lies there, or why it does not.
func (w writer) delivery(template string) (letter, error) {
	reference, id, bucket := w.data["reference"], w.data["export_id"], w.data["bucket"]
	if reference == "" || id == "" || bucket == "" {
		return letter{}, fmt.Errorf("%w: reference, export_id and bucket are needed", errBadData)
	}
	l := w.frame(reference)
	say := func(part string) string {
		return w.T("mail."+template+"."+part, "Product", l.Product, "Reference", reference, "Bucket", bucket)
	}
	l.Rows = []row{w.row(w.T("mail.row.reference"), reference), w.row(w.T("mail.row.bucket"), bucket)}
	l.Paragraphs = []string{say("intro")}
	if template == ExportDelivered {
		size, err := strconv.ParseInt(w.data["size"], 10, 64)
		if err != nil {
			return letter{}, fmt.Errorf("%w: %w", errBadData, err)
		}
		l.Rows = append(l.Rows, w.row(w.T("mail.row.size"), w.Size(size)))
		if files, err := strconv.Atoi(w.data["files"]); err == nil && files > 1 {
			l.Rows = append(l.Rows, w.row(w.T("mail.row.files"), w.Number(int64(files))))
		}
	} else if problem := w.data["problem"]; w.Has(problem) {
		l.Paragraphs = append(l.Paragraphs, w.T(problem))
	}
	l.Subject, l.Preheader, l.Title = say("subject"), say("preheader"), say("title")
	l.Next = []string{say("next1"), say("next2")}
	l.Button, l.URL = say("button"), w.link+"/exports/"+url.PathEscape(id)+"/deliver"
	l.Why = w.T("mail.why_export", "Product", l.Product)
	return l, nil
}
