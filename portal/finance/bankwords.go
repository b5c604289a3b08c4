package finance

import (
	"strings"

	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// codeWord tells a bank's or a provider's code in the reader's language, with the code beside; one that is not known is the code alone.
func codeWord(l *locale.Locale, code string) string {
	if id := "refund.failure." + code; code != "" && l.Has(id) {
		return l.T("finance.code", "Words", l.T(id), "Code", code)
	}
	return code
}

// failureWord tells why a payment did not arrive: by our own name for it, which nobody else knows, or by a bank's code.
func failureWord(l *locale.Locale, code string) string {
	if id := "refund.failure." + code; code == strings.ToLower(code) && l.Has(id) {
		return l.T(id)
	}
	return codeWord(l, code)
}

// moneyed are a message's placeholders with amounts in the reader's form.
func moneyed(l *locale.Locale, args map[string]any) []any {
	list := pairs(args)
	for i, value := range list {
		if a, ok := value.(migration.Amount); ok {
			list[i] = l.Money(a.Minor, a.Currency)
		}
	}
	return list
}

// faultsOf are all faults of one field, in words: a file may have many.
func faultsOf(v *page.Visit, err error, name string) (list []string) {
	f, ok := fault.As(err)
	if !ok {
		return nil
	}
	for _, x := range f.Fields {
		if x.Name == name {
			list = append(list, v.Locale.T(x.Key, moneyed(v.Locale, x.Args)...))
		}
	}
	return list
}

// fileFaults shows the faults of a file: each in the list above the page, and beside the field the one there is, or how many.
func (view *importsView) fileFaults(v *page.Visit, refused error) {
	texts := faultsOf(v, refused, "file")
	for _, text := range texts {
		view.errors = append(view.errors, ui.FieldError{FieldID: "file", Text: text})
	}
	switch {
	case len(texts) == 1:
		view.file.Error = texts[0]
	case len(texts) > 1:
		view.file.Error = v.Locale.T("finance.bank.faults", "Count", faultCount(refused))
	}
	view.layout.Errors = len(texts) > 0
}

// faultCount is how many lines of a file are at fault, those that are not told one by one included.
func faultCount(err error) (n int) {
	f, _ := fault.As(err)
	for _, x := range f.Fields {
		if more, ok := x.Args["Count"].(int); ok {
			n += more
		} else {
			n++
		}
	}
	return n
}
