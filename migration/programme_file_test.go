package migration_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"offramp/internal/fault"
	"offramp/migration"
)

// sound is a small programme that is right; cases below spoil one line of it.
const sound = `programme: boats
product:
  name: {en: Boats, zh-CN: 小船}
  company: {en: Boat Works, zh-CN: 船厂}
  kind: business
locales: [en, zh-CN]
zone: Asia/Shanghai
thanks: {en: Thank you., zh-CN: 谢谢。}
reason: {en: We stop., zh-CN: 我们停止。}
milestones:
  - {key: announcement, day: 2026-06-01}
  - {key: sales_stop, day: 2026-08-01}
  - key: service_end
    day: 2027-01-31
  - key: export_deadline
    day: 2027-03-02
tiers:
  - key: core
    name: {en: Core, zh-CN: 核心}
    core: true
    spoken_to: 2026-05-20
    rule: has(attributes.seats) && int(attributes.seats) >= 50
  - key: standard
    name: {en: Standard, zh-CN: 标准}
    rule: "true"
datasets:
  - key: boats
    name: {en: Boats, zh-CN: 小船}
    source: product
    query: |
      select id, name, created_at::date, 'a:b' as note
        from boat where owner = :customer_id
    columns:
      - {name: id, type: integer}
      - {name: name}
    row_key: id
help:
  email: help@boats.example
`

func TestReadProgrammeTakesASoundFile(t *testing.T) {
	p, err := migration.ReadProgramme([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) != 0 {
		t.Errorf("warnings: %v", p.Warnings)
	}
	if p.Zone.String() != "Asia/Shanghai" || p.Export.KeepDays != 7 || p.Brand.Colour == "" || p.Fallback() != "en" {
		t.Errorf("got zone %v, keep %d, colour %q, fallback %q", p.Zone, p.Export.KeepDays, p.Brand.Colour, p.Fallback())
	}
	if d, ok := p.Dataset("boats"); !ok || d.Source != "product" || !strings.HasPrefix(d.SQL, "select id") {
		t.Errorf("dataset: %+v", d)
	}
	if m := p.Milestones[3]; m.Key != migration.ExportDeadline || m.Day.String() != "2027-03-02" {
		t.Errorf("last milestone: %+v", m)
	}
}

// badFiles name each fault with the place at which it must be reported.
var badFiles = []struct{ name, old, new, want string }{
	{"I02 duplicate key", "zone: Asia/Shanghai\n", "zone: Asia/Shanghai\nzone: UTC\n", "8:1: zone: the key is here a second time; it was first on line 7"},
	{"I02 duplicate key below", "core: true", "core: true\n    core: false", "21:5: tiers[0].core: the key is here a second time"},
	{"I02 unknown key", "zone: Asia", "colour: red\nzone: Asia", "7:1: colour: unknown key; known here: brand,"},
	{"I02 unknown key below", "kind: business", "kind: business\n  sort: x", "6:3: product.sort: unknown key"},
	{"I02 deep", "zone: Asia/Shanghai", "zone: " + strings.Repeat("[", 40), "7:39: nested too deep"},
	{"I02 alias", "thanks: {en: Thank you., zh-CN: 谢谢。}", "thanks: &t {en: Thank you., zh-CN: 谢谢。}", "8:9: thanks: anchors, aliases"},
	{"I02 merge", "  email: help", "  <<: {phone: \"1234\"}\n  email: help", "38:3: help: a key must be text"},
	{"syntax", "locales: [en, zh-CN]", "locales: [en, zh-CN", "7:1: ',' or ']' must be specified"},
	{"tab", "  kind: business", "\tkind: business", "5:1: "},
	{"second document", "help:\n", "---\nhelp:\n", "38:5: a second document"},
	{"empty", sound, "# nothing\n", "the file is empty"},
	{"no mapping", sound, "- a\n", "1:1: must be a mapping"},
	{"bad UTF-8", "Boat Works", "Boat \xff Works", "4:22: a byte that is not UTF-8"},
	{"NUL", "Boat Works", "Boat \x00 Works", "4:22: a byte that is not UTF-8"},
	{"escaped NUL", "en: Boat Works", `en: "Boat\0Works"`, "4:17: product.company.en: holds a control character"},
	{"right-to-left override", "en: Boat Works", "en: Boat\u202eWorks", "4:17: product.company.en: holds a control character"},
	{"1 MB", "en: Boat Works", "en: " + strings.Repeat("x", 400_000), "4:17: product.company.en: has 400000 characters"},
	{"too large", "en: Boat Works", "en: " + strings.Repeat("x", 2<<20), "at most 524288 are read"},
	{"number for text", "en: Boat Works", "en: 2027", "4:17: product.company.en: must be text; write it in quotes"},
	{"empty value", "kind: business", "kind:", "5:8: product.kind: has no value"},
	{"list for text", "kind: business", "kind: [business]", "5:9: product.kind: must be text"},
	{"text for list", "locales: [en, zh-CN]", "locales: en", "6:10: locales: must be a list"},
	{"text for boolean", "core: true", "core: yes", "20:11: tiers[0].core: must be true or false"},
	{"text for number", "help:", "export: {keep_days: week}\nhelp:", "37:21: export.keep_days: must be a whole number"},
	{"number too large", "help:", "export: {keep_days: 99999999999999999999}\nhelp:", "37:21: export.keep_days: must be"},
	{"no such day", "2027-01-31", "2027-02-30", "14:10: milestones[2].day: \"2027-02-30\" is no day"},
	{"day missing", "{key: sales_stop, day: 2026-08-01}", "{key: sales_stop}", "12:5: milestones[1].day: is missing"},
	{"programme key", "programme: boats", "programme: Boats!", "1:12: programme: \"Boats!\" must begin with"},
	{"programme key missing", "programme: boats\n", "", "programme: is missing"},
	{"kind", "kind: business", "kind: hobby", "5:9: product.kind: must be business or consumer"},
	{"product address", "kind: business", "kind: business\n  url: javascript:alert(1)", "6:8: product.url: must be a web address"},
	{"since", "kind: business", "kind: business\n  since: 19", "6:10: product.since: must be the year"},
	{"locale missing in a text", "{en: We stop., zh-CN: 我们停止。}", "{en: We stop.}", "9:1: reason.zh-CN: the wording in zh-CN is missing"},
	{"locale empty in a text", "{en: We stop., zh-CN: 我们停止。}", `{en: We stop., zh-CN: " "}`, "9:31: reason.zh-CN: the wording in zh-CN is missing"},
	{"locale too many", "en: We stop.", "en: We stop., fr: Fini", "9:28: reason.fr: fr is not among"},
	{"unknown locale", "locales: [en, zh-CN]", "locales: [en, zh-CN, fr]", "6:22: locales[2]: the portal does not speak \"fr\""},
	{"locale twice", "locales: [en, zh-CN]", "locales: [en, zh-CN, en]", "6:22: locales[2]: en is listed twice"},
	{"zone", "Asia/Shanghai", "Beijing", "7:7: zone: \"Beijing\" is no time zone"},
	{"zone of the machine", "Asia/Shanghai", "Local", "7:7: zone: \"Local\" is no time zone"},
	{"zone outside", "Asia/Shanghai", "../../etc/passwd", "7:7: zone: "},
	{"unknown milestone", "key: sales_stop", "key: party", "12:11: milestones[1].key: \"party\" is no milestone; known: announcement"},
	{"key date missing", "  - {key: sales_stop, day: 2026-08-01}\n", "", "10:1: milestones: sales_stop is missing"},
	{"milestone twice", "key: sales_stop", "key: announcement", "12:11: milestones[1].key: announcement is here twice"},
	{"order", "2026-08-01", "2027-02-01", "14:10: milestones[2].day: service_end on 2027-01-31 comes before sales_stop on 2027-02-01"},
	{"29 days", "2027-01-31\n  - key: export_deadline\n    day: 2027-03-02", "2026-08-01\n  - key: export_deadline\n    day: 2026-06-30", "16:10: milestones[3].day: "},
	{"erased too early", "tiers:\n", "  - {key: erasure, day: 2027-03-02}\ntiers:\n", "17:25: milestones[4].day: data would be erased"},
	{"core not spoken to", "    spoken_to: 2026-05-20\n", "", "18:5: tiers[0].spoken_to: is missing"},
	{"tier twice", "key: standard", "key: core", "23:10: tiers[1].key: there are two tiers"},
	{"rule syntax", `rule: "true"`, `rule: "true &&"`, "25:11: tiers[1].rule: at 1:8 of the rule"},
	{"rule name", `rule: "true"`, `rule: "plan == 'x'"`, "25:11: tiers[1].rule: at 1:1 of the rule: undeclared reference to 'plan'"},
	{"rule type", `rule: "true"`, `rule: "size(name)"`, "25:11: tiers[1].rule: gives int"},
	{"dataset key", "key: boats", "key: ../boats", "27:10: datasets[0].key: \"../boats\" must begin"},
	{"dataset key of a device", "key: boats", "key: con", "27:10: datasets[0].key: \"con\" cannot be a file's name"},
	{"source", "source: product", "source: My-Product", "29:13: datasets[0].source: \"My-Product\" must begin"},
	{"source missing", "    source: product\n", "", "27:5: datasets[0].source: is missing"},
	{"everybody's rows", "owner = :customer_id", "true", "30:5: datasets[0].query: does not use :customer_id"},
	{"parameter in a string", "owner = :customer_id", "owner = ':customer_id' -- :customer_id", "30:5: datasets[0].query: does not use :customer_id"},
	{"unknown parameter", "owner = :customer_id", "owner = :customer_id and day > :since", "30:5: datasets[0].query: uses the unknown parameter :since"},
	{"count without parameter", "    columns:\n", "    count: select 1\n    columns:\n", "33:12: datasets[0].count: does not use :customer_id"},
	{"customers with parameter", "datasets:\n", "customers: {source: product, query: 'select :customer_id'}\ndatasets:\n", "26:37: customers.query: uses :customer_id; the query for customers"},
	{"column twice", "{name: name}", "{name: id}", "35:16: datasets[0].columns[1].name: the column \"id\" is listed twice"},
	{"column type", "type: integer", "type: int4", "34:26: datasets[0].columns[0].type: \"int4\" is no type"},
	{"files column", "    columns:\n", "    files: {source: files, key: path, name: name}\n    columns:\n", "33:33: datasets[0].files.key: \"path\" is not among"},
	{"files name missing", "    columns:\n", "    files: {source: files, key: id}\n    columns:\n", "33:5: datasets[0].files.name: is missing"},
	{"keep", "help:", "export: {keep_days: 0}\nhelp:", "37:21: export.keep_days: must lie between 1 and 90"},
	{"help address", "help@boats.example", "help", "38:10: help.email: \"help\" is no e-mail address"},
	{"help phone", "  email: help", "  phone: call me\n  email: help", "38:10: help.phone: must hold digits"},
	{"working backwards", "  email: help", "  working: [{days: [mon], from: \"12:00\", to: \"09:00\"}]\n  email: help", "38:46: help.working[0].to: must be later than 12:00"},
	{"working twice", "  email: help", "  working: [{days: [mon], from: \"08:00\", to: \"12:00\"}, {days: [mon], from: \"11:00\", to: \"13:00\"}]\n  email: help", "help.working[1].from: overlaps 08:00 to 12:00 on mon"},
	{"working on no day", "  email: help", "  working: [{days: [noday], from: \"08:00\", to: \"12:00\"}]\n  email: help", "help.working[0].days: \"noday\" is none of"},
	{"working at no time", "  email: help", "  working: [{days: [mon], from: \"8\", to: \"12:00\"}]\n  email: help", "\"8\" is no time of day"},
	{"closed and worked", "  email: help", "  closed: [2026-10-01]\n  worked: [2026-10-01]\n  email: help", "2026-10-01 is among help.closed as well"},
	{"answer too late", "  email: help", "  answer_hours: 0\n  email: help", "help.answer_hours: must lie between 1 and 400"},
	{"question without answer", "  email: help", "  faq: [{question: {en: Why?, zh-CN: 为何？}}]\n  email: help", "38:9: help.faq[0].answer: is missing"},
	{"sink twice", "help:", "sinks: [{name: crm}, {name: crm}]\nhelp:", "37:29: sinks[1].name: there are two sinks"},
	{"colour", "help:", "brand: {colour: teal}\nhelp:", "37:17: brand.colour: must be six hexadecimal digits"},
}

func TestI02_BadProgrammesAreRefusedAtTheirPlace(t *testing.T) {
	for _, c := range badFiles {
		t.Run(c.name, func(t *testing.T) {
			src := strings.Replace(sound, c.old, c.new, 1)
			if src == sound {
				t.Fatal("the case changes nothing")
			}
			_, err := migration.ReadProgramme([]byte(src))
			if !errors.Is(err, migration.ErrBadProgramme) || fault.KindOf(err) != fault.Invalid {
				t.Fatalf("got %v", err)
			}
			found := migration.FindingsOf(err)
			placed := strings.Contains(c.want, ":") && c.want[0] <= '9' // the case names line and column
			for _, f := range found {
				if strings.HasPrefix(f.String(), c.want) || !placed && strings.Contains(f.String(), c.want) {
					return
				}
			}
			t.Errorf("want %q\ngot  %s", c.want, found.Error())
		})
	}
}

func TestEveryFindingIsReportedAtOnce(t *testing.T) {
	src := strings.NewReplacer("Asia/Shanghai", "Nowhere", "kind: business", "kind: x", "2027-03-02", "2027-02-30", "core: true", "core: 1", "help@boats.example", "help").Replace(sound)
	_, err := migration.ReadProgramme([]byte(src))
	var lines []string
	for _, f := range migration.FindingsOf(err) {
		lines = append(lines, fmt.Sprintf("%d %s", f.Line, f.Path))
	}
	want := "5 product.kind|7 zone|16 milestones[3].day|20 tiers[0].core|38 help.email"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWarningsDoNotRefuse(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"day: 2026-06-01", "day: 2026-08-01", "14:10: warning: milestones[2].day: the service ends 183 days after the announcement; customers of a business product usually have 6 to 12 months"},
		{"spoken_to: 2026-05-20", "spoken_to: 2026-05-01", "21:16: warning: tiers[0].spoken_to: 2026-05-01 is not one to two weeks before the announcement: 2026-05-18 to 2026-05-25"},
		{"spoken_to: 2026-05-20", "spoken_to: 2026-05-26", "21:16: warning"},
	} {
		src := strings.Replace(sound, c.old, c.new, 1)
		p, err := migration.ReadProgramme([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Warnings.Error(); !strings.HasPrefix(got, c.want) {
			t.Errorf("want %s\ngot  %s", c.want, got)
		}
	}
}

// TestThirtyDaysIsTheBound holds the one check that blocks outright at its exact edge.
func TestThirtyDaysIsTheBound(t *testing.T) {
	early := strings.NewReplacer("2026-08-01", "2026-06-05", "2027-01-31", "2026-06-10", "kind: business", "kind: consumer")
	for day, refused := range map[string]bool{"2026-06-30": true, "2026-07-01": false} {
		_, err := migration.ReadProgramme([]byte(strings.Replace(early.Replace(sound), "2027-03-02", day, 1)))
		if (err != nil) != refused {
			t.Errorf("export until %s: %v", day, err)
		}
	}
}

func FuzzReadProgramme(f *testing.F) {
	f.Add([]byte(sound))
	for _, c := range badFiles {
		if len(c.new) < 1000 {
			f.Add([]byte(strings.Replace(sound, c.old, c.new, 1)))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p, err := migration.ReadProgramme(src)
		if (p == nil) == (err == nil) {
			t.Fatal("neither a programme nor an error")
		}
		if err != nil && len(migration.FindingsOf(err)) == 0 {
			t.Fatalf("an error without a finding: %v", err)
		}
	})
}

// TestI02_HostileNestingEndsQuickly feeds the recursive parser what could exhaust its stack.
func TestI02_HostileNestingEndsQuickly(t *testing.T) {
	for _, part := range []string{"[", "{a: ", "- ", "? ", "&a ", "!!x ", "a: ", "\"", "'", "|\n", "* ", "<<: ", ", ", "]", "- - [", "%", "---\n", "#", "a:\n "} {
		src := strings.Repeat(part, 500_000/len(part))
		if _, err := migration.ReadProgramme([]byte(src)); err == nil {
			t.Errorf("%q was taken", part)
		}
	}
	var deep strings.Builder
	for i := range 1000 {
		deep.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	if _, err := migration.ReadProgramme([]byte(deep.String())); err == nil {
		t.Error("deep blocks were taken")
	}
}
