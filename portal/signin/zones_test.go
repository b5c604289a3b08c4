package signin

import (
	"regexp"
	"testing"
	"time"

	"offramp/internal/locale"
)

// TestZonesAreNamedInTheReadersLanguage reads each zone that the account's page offers.
func TestZonesAreNamedInTheReadersLanguage(t *testing.T) {
	latin := regexp.MustCompile(`[A-Za-z]+`)
	for _, name := range usualZones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		text := locale.For("zh-CN").ZoneName(zone, time.Unix(0, 0))
		for _, word := range latin.FindAllString(text, -1) {
			if word != "UTC" {
				t.Errorf("%s is %s", name, text)
			}
		}
	}
}
