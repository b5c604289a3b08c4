package refund

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"offramp/internal/money"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

var providerPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// maxReference bounds what names a payment, in characters.
const maxReference = 128

// paymentColumns knows which column says what.
type paymentColumns struct {
	zone      *time.Location
	asWritten bool // take what looks as if a spreadsheet had changed it
	names     []string
	index     map[string]int
}

func newPaymentColumns(zone *time.Location, rows migration.Rows) (*paymentColumns, error) {
	names := rows.Columns()
	if len(names) == 0 {
		return nil, cmp.Or(rows.Err(), errors.New("there are no columns"))
	}
	if err := migration.CheckPaymentColumns(names); err != nil {
		return nil, err
	}
	c := &paymentColumns{zone: zone, names: names, index: make(map[string]int, len(names))}
	for i, name := range names {
		c.index[strings.TrimSpace(name)] = i
	}
	return c, nil
}

// read checks one row by itself and returns what it says.
func (c *paymentColumns) read(values []string) (customerRef string, p quote.Payment, err error) { //nolint:cyclop // one flat check for each column
	if len(values) != len(c.names) {
		return "", p, fmt.Errorf("has %d fields; the first line names %d columns", len(values), len(c.names))
	}
	get := func(name string) string {
		if i, ok := c.index[name]; ok {
			return strings.TrimSpace(values[i])
		}
		return ""
	}
	for i, v := range values {
		if err := soundField(c.names[i], v); err != nil {
			return "", p, err
		}
	}
	customerRef = get("customer_ref")
	for i, v := range values {
		if err := c.untouched(strings.TrimSpace(c.names[i]), v); err != nil {
			return customerRef, p, err
		}
	}
	p = quote.Payment{
		Ref: get("ref"), InvoiceRef: get("invoice_ref"), Method: quote.Method(get("method")), Provider: get("provider"),
		ProviderRef: get("provider_ref"), Currency: get("currency"),
	}
	switch {
	case customerRef == "":
		return "", p, errors.New("customer_ref is empty; it is the customer's number in the retired product")
	case p.Ref == "":
		return customerRef, p, errors.New("ref is empty; it names the payment within the customer")
	case !slices.Contains(quote.Methods, p.Method):
		return customerRef, p, fmt.Errorf("the method %q must be one of %s", clipped(string(p.Method)), paymentMethods())
	case p.ProviderRef != "" && p.Provider == "":
		return customerRef, p, errors.New("provider is empty, and provider_ref names a payment there; give both")
	case p.Provider != "" && !providerPattern.MatchString(p.Provider):
		return customerRef, p, fmt.Errorf("the provider %q must be small letters, digits and _, such as stripe", clipped(p.Provider))
	}
	if err = c.amounts(get, &p); err == nil {
		err = c.days(get, &p)
	}
	if err == nil {
		err = p.Check()
	}
	return customerRef, p, err
}

// untouched refuses what a spreadsheet has changed, unless the operator says that it is meant so.
func (c *paymentColumns) untouched(name, v string) error {
	if c.asWritten {
		return nil
	}
	check, hint := spreadsheet.Text, ""
	if name == "ref" || strings.HasSuffix(name, "_ref") {
		check, hint = spreadsheet.Key, ". If it is meant so, import with --as-written"
	}
	if err := check(v); err != nil {
		return fmt.Errorf("%s %w%s", name, err, hint)
	}
	return nil
}

// soundField refuses what no field may hold, whatever it means.
func soundField(name, v string) error {
	switch {
	case !utf8.ValidString(v):
		return fmt.Errorf("%s holds bytes that are not UTF-8", name)
	case utf8.RuneCountInString(v) > maxReference:
		return fmt.Errorf("%s has %d characters; at most %d are taken", name, utf8.RuneCountInString(v), maxReference)
	case strings.ContainsFunc(strings.TrimSpace(v), func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return fmt.Errorf("%s holds a control or an invisible character; remove it", name)
	case strings.ContainsAny(v, "<>"):
		return fmt.Errorf("%s holds markup; give plain text", name)
	}
	return nil
}

func paymentMethods() string {
	names := make([]string, len(quote.Methods))
	for i, m := range quote.Methods {
		names[i] = string(m)
	}
	return strings.Join(names, ", ")
}

func (c *paymentColumns) amounts(get func(string) string, p *quote.Payment) error {
	for _, a := range []struct {
		name string
		to   *int64
	}{{"gross", &p.Gross}, {"tax", &p.Tax}, {"discount", &p.Discount}, {"refunded", &p.Refunded}, {"credited", &p.Credited}} {
		text := get(a.name)
		if text == "" && a.name != "gross" {
			continue
		}
		n, err := money.Parse(text, p.Currency)
		var refusal *money.Error
		if errors.As(err, &refusal) && refusal.Reason == money.UnknownCurrency {
			return err
		}
		if err != nil {
			return hinted(fmt.Errorf("%s %w", a.name, err), spreadsheet.AmountHint(text))
		}
		*a.to = n
	}
	for _, u := range []struct {
		name string
		to   *int64
	}{{"units", &p.Units}, {"units_used", &p.UnitsUsed}} {
		text := get(u.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > money.Max || strconv.FormatInt(n, 10) != text {
			return fmt.Errorf("%s %q is no whole number; write digits 0 to 9", u.name, clipped(text))
		}
		*u.to = n
	}
	return nil
}

// days reads the period. A day is taken as it stands. An instant is the day on which it falls in the programme's zone, and
// the instant at which a period ends is the end of the last day: midnight belongs to the day before.
func (c *paymentColumns) days(get func(string) string, p *quote.Payment) error {
	paid, day, err := readInstant(get("paid_at"))
	if err != nil {
		return fmt.Errorf("paid_at %w", err)
	}
	if day {
		paid = migration.DayOf(paid).Start(c.zone)
	}
	p.PaidAt = paid.UTC().Truncate(time.Microsecond)
	for _, d := range []struct {
		name string
		to   *migration.Day
		back time.Duration
	}{{"period_start", &p.PeriodStart, 0}, {"period_end", &p.PeriodEnd, time.Nanosecond}} {
		at, day, err := readInstant(get(d.name))
		if err != nil {
			return fmt.Errorf("%s %w", d.name, err)
		}
		if !day {
			at = at.Add(-d.back).In(c.zone)
		}
		*d.to = migration.DayOf(at)
	}
	return nil
}

// instantLayouts are the ways in which files and databases write an instant. One without an offset could mean any zone.
var instantLayouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07"}

func readInstant(text string) (at time.Time, day bool, err error) {
	if at, err := time.Parse(time.DateOnly, spreadsheet.Day(text)); err == nil {
		return at, true, nil
	}
	for _, layout := range instantLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return at, false, nil
		}
	}
	err = fmt.Errorf("%q is no day such as 2027-01-31 and no instant with its offset such as 2027-01-31T08:00:00+08:00", clipped(text))
	return at, false, hinted(err, spreadsheet.DayHint(text))
}

// hinted adds what to do.
func hinted(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fmt.Errorf("%w; %s", err, hint)
}

// clipped shortens what a message quotes.
func clipped(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:39]) + "…"
}

// paymentLine is one row with what became of it.
type paymentLine struct {
	report      migration.ImportLine
	customerRef string
	payment     quote.Payment
}

func (l *paymentLine) refuse(format string, args ...any) {
	l.report.Outcome, l.report.Reason = migration.LineRefused, fmt.Sprintf(format, args...)
}

func (l *paymentLine) refused() bool { return l.report.Outcome == migration.LineRefused }

// maxPayments bounds how many payments of one customer are held at once.
const maxPayments = 10_000

// paymentReader cuts rows into batches without tearing a customer's rows apart.
type paymentReader struct {
	rows    migration.Rows
	columns *paymentColumns
	next    *paymentLine // read ahead
	of      int          // rows of the customer that is being read
}

// batch reads on. It is empty at the end.
func (r *paymentReader) batch() []*paymentLine {
	var lines []*paymentLine
	if r.next != nil {
		lines, r.next = append(lines, r.next), nil
	}
	for r.rows.Next() {
		l := r.line()
		if l.customerRef == "" && len(lines) > 0 { // it cannot be read, and does not end the customer's rows
			l.customerRef = lines[len(lines)-1].customerRef
		}
		if len(lines) > 0 && l.customerRef == lines[len(lines)-1].customerRef {
			r.of++
		} else {
			r.of = 1
		}
		if r.of > maxPayments && !l.refused() {
			l.refuse("the customer has more than %d payments; join some", maxPayments)
		}
		if len(lines) >= paymentBatchSize && (r.of == 1 || r.of > maxPayments) {
			r.next = l
			return lines
		}
		lines = append(lines, l)
	}
	return lines
}

func (r *paymentReader) line() *paymentLine {
	l := &paymentLine{report: migration.ImportLine{Line: r.rows.Line(), Outcome: migration.LineUnchanged}}
	if faulty, ok := r.rows.(migration.Faulty); ok && faulty.Fault() != "" {
		l.refuse("%s", faulty.Fault())
		return l
	}
	var err error
	l.customerRef, l.payment, err = r.columns.read(r.rows.Values())
	l.report.Ref = strings.TrimSpace(l.customerRef + " " + l.payment.Ref)
	if err != nil {
		l.refuse("%v", err)
	}
	return l
}
