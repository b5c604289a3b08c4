package manager

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"offramp/internal/locale"
	"offramp/migration"
)

// Whoever approves a version reads what it changes; each key of the file has a name in their language.
func TestI05_EveryKeyOfTheProgrammeFileHasAName(t *testing.T) {
	fields := map[string]bool{}
	var walk func(reflect.Type, []reflect.Type)
	walk = func(of reflect.Type, within []reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Map {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || slices.Contains(within, of) {
			return
		}
		for i := range of.NumField() {
			f := of.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
				prefix := "console.field."
				if len(within) == 0 {
					prefix = "console.section."
				}
				fields[prefix+name] = true
				walk(f.Type, append(within, of))
			}
		}
	}
	walk(reflect.TypeFor[migration.Programme](), nil)
	if len(fields) < 100 {
		t.Fatalf("%d keys found; want all", len(fields))
	}
	for _, tag := range locale.Tags() {
		l := locale.For(tag)
		for key := range fields {
			if !l.Has(key) {
				t.Errorf("%s: no words for %s", l.Tag(), key)
			}
		}
	}
}
