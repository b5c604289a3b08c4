package archive

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"offramp/internal/locale"
)

// TestPreviewIsBounded gives the page more than it may keep.
func TestPreviewIsBounded(t *testing.T) {
	w, err := NewWriter(io.Discard, sampleHeader, Options{})
	must(t, err)
	columns := make([]Column, 60)
	row := make([][]byte, 60)
	for i := range columns {
		columns[i], row[i] = Column{Name: fmt.Sprint("c", i), Type: "text"}, []byte(strings.Repeat("长", 5000))
	}
	rows := slices.Repeat([][][]byte{row}, 30)
	for i := range 15 {
		must(t, w.AddDataset(t.Context(), Dataset{Name: fmt.Sprint("d", i), Columns: columns, Source: 30}, reader(rows)))
	}
	held := 0
	for _, p := range w.previews {
		if len(p.rows) > previewRows {
			t.Fatalf("%d rows", len(p.rows))
		}
		for _, r := range p.rows {
			for _, c := range r.Cells {
				held += len(c.Text)
			}
		}
	}
	if first, last := len(w.previews[0].rows), len(w.previews[14].rows); first != previewRows || last != 0 {
		t.Errorf("the first dataset shows %d rows, the last %d", first, last)
	}
	if most := previewRoom + previewColumns*(3*shownLength+8); held > most {
		t.Errorf("%d bytes are kept, more than %d", held, most)
	}
	_, err = w.Close()
	must(t, err)
}

func TestShow(t *testing.T) {
	for _, c := range []struct {
		kind, in, want string
	}{
		{"boolean", "t", "true"},
		{"instant", "2026-03-01 14:05:00+00", "2026-03-01T14:05:00Z"},
		{"binary", `\x6869`, "aGk="},
		{"binary", `\x` + strings.Repeat("00", 9000), strings.Repeat("A", shownLength) + "…"},
		{"text", strings.Repeat("长", shownLength), strings.Repeat("长", shownLength)},
		{"text", strings.Repeat("😀", shownLength+1), strings.Repeat("😀", shownLength) + "…"},
		{"text", "a\r\n\tb\u0085\u2028c", "a   b  c"},
		{"number", "NaN", "NaN"},
		{"text", "", ""},
	} {
		if got := show(classes[c.kind], []byte(c.in)); got.Text != c.want || got.Null {
			t.Errorf("%s %.20q: %q", c.kind, c.in, got.Text)
		}
	}
	if !show(asText, nil).Null {
		t.Error("NULL is not shown as such")
	}
}

func TestInstantsAreShownInTheCustomersZone(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	must(t, err)
	london, err := time.LoadLocation("Europe/London")
	must(t, err)
	for _, c := range []struct {
		in   string
		zone *time.Location
		want string
	}{
		{"2026-03-01 14:05:00+00", shanghai, "2026-03-01 22:05:00"},
		{"2026-12-31 20:00:00.123456+00", shanghai, "2027-01-01 04:00:00.123456"},
		{"2026-01-15 12:00:00+00", london, "2026-01-15 12:00:00"},
		{"2026-07-15 12:00:00+00", london, "2026-07-15 13:00:00"},
		{"2026-03-01 14:05:00+00", time.UTC, "2026-03-01 14:05:00"},
		{"infinity", shanghai, "infinity"},
		{"0044-03-15 10:00:00+00 BC", shanghai, "0044-03-15 10:00:00+00 BC"},
	} {
		if got := local(c.in, c.zone); got != c.want {
			t.Errorf("%s in %s: %s", c.in, c.zone, got)
		}
	}
	h := sampleHeader
	for zone, want := range map[string]string{"Asia/Shanghai": "Beijing time (UTC+8)", "Europe/London": "London time", "": "UTC", "Nowhere/Else": "UTC"} {
		if h.Zone = zone; zoneLabel(locale.For("en"), h) != want {
			t.Errorf("%s is called %s", zone, zoneLabel(locale.For("en"), h))
		}
	}
}
