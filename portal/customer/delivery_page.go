package customer

import (
	"encoding/json"
	"strings"

	"offramp/export"
	"offramp/export/delivery"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// deliverView is the page with the other ways to get an export's files.
type deliverView struct {
	layout  ui.Page
	heading ui.Heading
	back    string
	errors  []ui.FieldError
	blocked *ui.Banner // in place of what could be started
	script  scriptCard
	last    *deliveryCard
	form    *targetForm
	help    ui.Help
}

// scriptCard makes download scripts.
type scriptCard struct {
	l                       *locale.Locale
	rows                    []ui.SummaryRow // of the token that works now
	make                    []ui.Action
	revoke                  *ui.Action
	replaces                string
	runShell, runPowerShell string
}

// deliveryCard is the copy into the customer's bucket that was asked for last.
type deliveryCard struct {
	l      *locale.Locale
	title  string
	tone   ui.Tone
	tag    string
	text   []string
	bar    *ui.Progress
	update string
	rows   []ui.SummaryRow
	cancel *ui.Action
}

// targetForm asks for a bucket.
type targetForm struct {
	l             *locale.Locale
	url           string
	target        delivery.Target
	inputs        []ui.Input
	policy, trust string
	start         ui.Button
}

// targetFields are the form's fields in their order, with the most characters that each takes.
var targetFields = []struct {
	name     string
	limit    int
	optional bool
}{
	{"bucket", 63, false},
	{"prefix", 200, true},
	{"region", 40, true},
	{"endpoint", 300, true},
	{"access_key", 128, false},
	{"secret_key", 128, false},
	{"role", 600, true},
}

var targetInputs = func() (list []page.Input) {
	for _, f := range targetFields {
		list = append(list, page.Line(f.name, f.limit))
	}
	return list
}()

func takeTarget(f page.Form) delivery.Target {
	return delivery.Target{
		Endpoint: f.Get("endpoint"), Region: f.Get("region"), Bucket: f.Get("bucket"), Prefix: f.Get("prefix"),
		AccessKey: f.Get("access_key"), SecretKey: f.Get("secret_key"), Role: f.Get("role"),
	}
}

// targetValue is what a field shows. The secret is never shown again.
func targetValue(t delivery.Target, name string) string {
	return map[string]string{
		"endpoint": t.Endpoint, "region": t.Region, "bucket": t.Bucket, "prefix": t.Prefix, "access_key": t.AccessKey, "role": t.Role,
	}[name]
}

// buildDeliver words the page: sent is what a form held that came back, refused why.
func buildDeliver(w exportWords, e export.Export, token *delivery.Token, last *delivery.Delivery, sent *delivery.Target, refused error) deliverView {
	l := w.l
	view := deliverView{back: exportURL(e), heading: ui.Heading{
		Eyebrow: l.T("export.one", "Reference", e.Reference()), Title: l.T("delivery.title", "Reference", e.Reference()), Lead: l.T("delivery.lead"),
	}}
	if last != nil {
		card := w.delivery(e, *last)
		view.last = &card
	}
	switch {
	case !mayExport(w.v):
		view.blocked = &ui.Banner{Tone: "info", Title: l.T("export.denied"), Text: l.T("export.denied.text")}
	case e.Downloadable(w.now):
	case e.State == export.Ready || e.State == export.Expired:
		view.blocked = &ui.Banner{Tone: "warn", Title: l.T("export.gone")}
	default:
		view.blocked = &ui.Banner{Tone: "info", Title: l.T("export.not_ready")}
	}
	if view.blocked != nil {
		if view.last != nil && !mayExport(w.v) {
			view.last.cancel = nil
		}
		return view
	}
	view.script = w.scriptCard(e, token)
	if last == nil || !last.Live() {
		form, errors := w.targetForm(e, last, sent, refused)
		view.form, view.errors = &form, errors
	}
	return view
}

func (w exportWords) scriptCard(e export.Export, token *delivery.Token) scriptCard {
	l := w.l
	file := l.T("delivery.script.file") + "-" + e.Reference()
	card := scriptCard{l: l, runShell: "sh " + file + ".sh", runPowerShell: "powershell -ExecutionPolicy Bypass -File " + file + ".ps1"}
	for _, kind := range []string{shellScript, powerShellScript} {
		card.make = append(card.make, ui.Action{
			URL: exportURL(e) + "/script", Hidden: []ui.Pair{{Name: "kind", Value: kind}},
			Button: ui.Button{Label: l.T("delivery.script.make." + kind), Icon: ui.IconDownload},
		})
	}
	if token == nil {
		return card
	}
	card.replaces = l.T("delivery.script.replaces")
	card.rows = []ui.SummaryRow{
		{Key: l.T("delivery.token.made"), Value: w.When(token.CreatedAt)},
		{Key: l.T("delivery.token.until"), Value: w.When(token.ExpiresAt)},
		{Key: l.T("delivery.token.used"), Value: l.T("delivery.token.never")},
	}
	if token.UsedAt != nil {
		card.rows[2].Value = w.When(*token.UsedAt)
	}
	card.revoke = &ui.Action{URL: exportURL(e) + "/script/revoke", Button: ui.Button{Label: l.T("delivery.token.revoke"), Kind: ui.Danger}}
	return card
}

// targetForm keeps what was sent, or what failed last, with what is wrong beside the field.
func (w exportWords) targetForm(e export.Export, last *delivery.Delivery, sent *delivery.Target, refused error) (targetForm, []ui.FieldError) {
	l, faults := w.l, targetErrors(w.l, refused)
	f := targetForm{l: l, url: deliverURL(e), start: ui.Button{Label: l.T("delivery.start"), Kind: ui.Primary}}
	switch {
	case sent != nil:
		f.target = *sent
	case last != nil && last.State == delivery.Failed:
		f.target = last.Target
		if last.Field != "" && l.Has(last.Problem) {
			faults[last.Field] = l.T(last.Problem)
		}
	}
	names := make([]string, 0, len(targetFields))
	for _, field := range targetFields {
		names = append(names, field.name)
		in := ui.Input{
			Field: ui.Field{
				Locale: l, ID: field.name, Label: l.T("delivery.field." + field.name), Hint: l.T("delivery.field." + field.name + ".hint"),
				Error: faults[field.name], Optional: field.optional,
			},
			Value: targetValue(f.target, field.name), MaxLength: field.limit, Autocomplete: "off",
		}
		if field.name == "secret_key" {
			in.Type = "password"
		}
		f.inputs = append(f.inputs, in)
	}
	return f, listErrors(names, faults)
}

// targetErrors are the words for what is wrong, by field; the first fault of each.
func targetErrors(l *locale.Locale, err error) map[string]string {
	words := map[string]string{}
	if e, ok := fault.As(err); ok {
		for _, f := range e.Fields {
			if words[f.Name] == "" {
				words[f.Name] = l.T(f.Key, "Limit", f.Args["Limit"])
			}
		}
	}
	return words
}

// listErrors puts them in the order of the form.
func listErrors(names []string, words map[string]string) (list []ui.FieldError) {
	for _, name := range names {
		if words[name] != "" {
			list = append(list, ui.FieldError{FieldID: name, Text: words[name]})
		}
	}
	return list
}

// rights writes the least rights that a copy needs, ready to be pasted, and drops the role where there is nobody to take it on.
func (v *deliverView) rights(principal, externalID string) {
	f := v.form
	if f == nil {
		return
	}
	bucket, prefix := f.target.Bucket, strings.Trim(f.target.Prefix, "/")
	if bucket == "" {
		bucket = "example-bucket"
	}
	if prefix != "" {
		prefix += "/"
	}
	type statement map[string]any
	write := func(s statement) string {
		text, err := json.MarshalIndent(map[string]any{"Version": "2012-10-17", "Statement": []statement{s}}, "", "  ")
		if err != nil {
			return ""
		}
		return string(text)
	}
	f.policy = write(statement{
		"Effect": "Allow", "Action": []string{"s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"},
		"Resource": "arn:aws:s3:::" + bucket + "/" + prefix + "*",
	})
	if principal == "" {
		f.inputs = f.inputs[:len(f.inputs)-1] // the role is the last
		return
	}
	f.trust = write(statement{
		"Effect": "Allow", "Principal": map[string]string{"AWS": principal}, "Action": "sts:AssumeRole",
		"Condition": map[string]any{"StringEquals": map[string]string{"sts:ExternalId": externalID}},
	})
}

// deliveryTones are those of the states of a delivery.
var deliveryTones = map[delivery.State]ui.Tone{
	delivery.Waiting: ui.ToneInProgress, delivery.Checking: ui.ToneInProgress, delivery.Copying: ui.ToneInProgress,
	delivery.Done: ui.ToneCompleted, delivery.Failed: ui.ToneProblem, delivery.Cancelled: ui.ToneNotNeeded,
}

// delivery words where a copy stands.
func (w exportWords) delivery(e export.Export, d delivery.Delivery) deliveryCard {
	l := w.l
	card := deliveryCard{
		l: l, title: l.T("delivery.state." + string(d.State)), tone: deliveryTones[d.State], update: deliverURL(e),
		tag: l.T("delivery.tag." + string(d.State)),
	}
	if d.Live() {
		bar := ui.Progress{ID: deliveryBarID, Label: card.title, Live: ui.Poll(deliverURL(e)+"/progress", pollEvery)}
		if d.BytesTotal > 0 {
			bar.Percent = int(100 * d.BytesDone / d.BytesTotal)
			bar.Meta = append(bar.Meta, l.T("export.amount", "Done", l.Size(d.BytesDone), "Total", l.Size(d.BytesTotal)))
		}
		card.bar = &bar
		card.text = append(card.text, l.T("delivery.leave"))
		card.cancel = &ui.Action{URL: deliverURL(e) + "/cancel", Button: ui.Button{Label: l.T("delivery.cancel"), Kind: ui.Danger}}
	}
	if d.State == delivery.Done {
		card.text = append(card.text, l.T("delivery.done.text"))
	}
	if d.Problem != "" && l.Has(d.Problem) {
		card.text = append(card.text, l.T(d.Problem))
	}
	add := func(key, value string) {
		if value != "" {
			card.rows = append(card.rows, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	add("delivery.field.bucket", d.Target.Bucket)
	add("delivery.field.prefix", d.Target.Prefix)
	add("delivery.field.endpoint", d.Target.Endpoint)
	add("delivery.requested", w.When(d.RequestedAt))
	if d.FinishedAt != nil {
		add("delivery.finished", w.When(*d.FinishedAt))
	}
	if len(d.Names) > 0 {
		add("delivery.files", l.T("delivery.files.count", "Done", l.Number(int64(len(d.Names))), "Total", l.Number(int64(len(e.Volumes)))))
	}
	return card
}
