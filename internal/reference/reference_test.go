package reference_test

import (
	"testing"

	"offramp/internal/reference"
)

func TestReferencesAreReadAsPeopleTypeThem(t *testing.T) {
	for _, text := range []string{"EX-10001", "ex-10001", " EX 10001 ", "ex10001", "10001", "ＥＸ－１０００１", "EX\u200b-10001", "ex–10001", "#10001", "10 001"} {
		if n, ok := reference.Read(text).Number("EX"); !ok || n != 10001 {
			t.Errorf("%q: %d %v", text, n, ok)
		}
	}
	for _, text := range []string{"RF-2026-000318", "rf 2026 318", "rf2026000318", "2026-000318", "2026000318", "RF/2026/318", "rf-2026-000 318"} {
		if year, n, ok := reference.Read(text).Yearly("RF"); !ok || n != 318 || year != 2026 {
			t.Errorf("%q: %d %d %v", text, year, n, ok)
		}
	}
	for _, text := range []string{"RF-000318", "318", "rf 318", "000318"} {
		if year, n, ok := reference.Read(text).Yearly("RF"); !ok || n != 318 || year != 0 {
			t.Errorf("%q: %d %d %v", text, year, n, ok)
		}
	}
	for _, text := range []string{"", "HR-10001", "EX-", "EX-x1", "EX-0", "10001 Ltd", "99999999999999999999", "禾舟10001", "EX-1-b"} {
		if n, ok := reference.Read(text).Number("EX"); ok {
			t.Errorf("%q is read as %d", text, n)
		}
	}
	for text, want := range map[string]string{"7429 51": "742951", "742951": "742951", "７４２９５１": "742951", "74-29-51": "742951", "EX742951": "", "7429511": "", "": ""} {
		if got := reference.Read(text).Digits(6); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := reference.Read("hz 20418").Plain; got != "HZ20418" {
		t.Error(got)
	}
}
