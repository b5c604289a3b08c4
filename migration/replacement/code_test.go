package replacement_test

import (
	"testing"

	"offramp/migration/replacement"
)

// TestCodesAreKnownAgainAfterTheSecretWasChanged imports a list that was taken before, under another secret.
func TestCodesAreKnownAgainAfterTheSecretWasChanged(t *testing.T) {
	h := open(t)
	if r := h.codes("fleet", "ONE-1", "TWO-2"); r.Added != 2 {
		t.Fatalf("%+v", r)
	}
	h.choose("a", "fleet")
	drawn := h.overview("a").Codes["fleet"].Code
	changed := func(current string, before ...string) {
		t.Helper()
		o := replacement.Options{Queue: h.queue, Journeys: h.journeys, Secret: []byte(current), Secrets: map[string]string{"next": hook}}
		for _, old := range before {
			o.Before = append(o.Before, []byte(old))
		}
		var err error
		if h.service, err = replacement.NewService(h.db, o); err != nil {
			t.Fatal(err)
		}
	}
	changed("another secret of this installation", master)
	if r := h.codes("fleet", "ONE-1", "TWO-2", "THREE-3", "ONE-1"); r.Added != 1 || r.Known != 3 {
		t.Errorf("after one change: %+v", r)
	}
	changed("a third secret of this installation", "another secret of this installation", master)
	if r := h.codes("fleet", "ONE-1", "TWO-2", "THREE-3", "FOUR-4"); r.Added != 1 || r.Known != 3 {
		t.Errorf("after two changes: %+v", r)
	}
	if n := h.text(`SELECT count(*) FROM offer_code`); n != "4" {
		t.Errorf("%s codes", n)
	}
	h.choose("b", "fleet")
	if again := h.overview("a").Codes["fleet"].Code; again != drawn || h.overview("b").Codes["fleet"].Code == drawn {
		t.Errorf("%s was drawn, a has %s, b %s", drawn, again, h.overview("b").Codes["fleet"].Code)
	}
}
