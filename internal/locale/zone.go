package locale

import (
	"embed"
	"strings"
)

//go:embed zones/*.tsv
var zones embed.FS

// loadCities reads the names of time zones' cities in a language that does not write them as the IANA database does; nil for none.
func loadCities(tag string) map[string]string {
	table, err := zones.ReadFile("zones/" + tag + ".tsv")
	if err != nil {
		return nil
	}
	cities := make(map[string]string, 500)
	for line := range strings.Lines(string(table)) {
		if zone, city, found := strings.Cut(strings.TrimSpace(line), "\t"); found {
			cities[zone] = city
		}
	}
	return cities
}
