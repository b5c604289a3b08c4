package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"offramp/migration"
)

// catalogue is the rich programme with features and a replacement that says everything of itself.
var catalogue = strings.Replace(rich, `replacements:
  - key: fleet
    name: {en: Fleet, zh-CN: 船队}
`, `steps: {choose: true}
features:
  - key: rules
    name: {en: Rules, zh-CN: 规则}
    group: {en: Automation, zh-CN: 自动化}
    source: product
    query: select owner as customer_ref, count(*) as count from rule group by owner
  - key: horns
    name: {en: Horns, zh-CN: 汽笛}
    source: product
    query: select count(*) from horn where owner = :customer_id
  - key: crew
    name: {en: Crew, zh-CN: 船员}
    attribute: seats
choice: {recommend: "off", seats: seats, period: billing, refresh: 6}
replacements:
  - key: fleet
    name: {en: Fleet, zh-CN: 船队}
    kind: own
    summary: {en: More boats., zh-CN: 更多船。}
    text: {en: "**More** boats.", zh-CN: "**更多**船。"}
    url: https://fleet.example/
    price: {model: seat_month, amount: 990, currency: EUR, note: {en: Before tax., zh-CN: 不含税。}}
    effort: {hours: 3, text: {en: An evening., zh-CN: 一个晚上。}}
    guide:
      video: https://fleet.example/video
      steps:
        - {key: export, title: {en: Export, zh-CN: 导出}, text: {en: "1. *Go*", zh-CN: "1. *开始*"}}
        - {key: load, title: {en: Load, zh-CN: 导入}}
    datasets:
      - {dataset: boats, moves: part, text: {en: Ages are lost., zh-CN: 不保留船龄。}}
      - {dataset: papers, moves: all}
      - {dataset: logs, moves: none, text: {en: Logs stay., zh-CN: 日志不迁移。}}
    features:
      - {feature: rules, has: none, text: {en: By hand., zh-CN: 需手动。}}
      - {feature: horns, has: part, text: {en: Set up again., zh-CN: 需重新设置。}}
      - {feature: crew, has: all}
    limits:
      - {name: {en: Files, zh-CN: 文件}, value: {en: 10 GB, zh-CN: 10 GB}}
    location: {en: Germany, zh-CN: 德国}
    certifications: [ISO 27001]
    offer: {text: {en: A quarter off., zh-CN: 七五折。}, discount: 2500, until: 2027-02-28, tiers: [core], pool: true}
    sign_up: {url: "https://fleet.example/start", fields: [customer_name, seats]}
    contact: {email: hello@fleet.example}
`, 1)

func TestACatalogueIsRead(t *testing.T) {
	p, err := migration.ReadProgramme([]byte(catalogue))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) != 0 {
		if w := p.Warnings.Error(); strings.Contains(w, "replacements") || strings.Contains(w, "features") {
			t.Error(w)
		}
	}
	r, _ := p.Replacement("fleet")
	if !r.Own() || r.Price.Amount != 990 || r.Offer.Discount != 2500 || !r.Offer.For("core") || r.Offer.For("standard") || len(r.Guide.Steps) != 2 || p.Choice.Recommends() {
		t.Errorf("%+v", r)
	}
	if err := published(t).Validate(plain(t, []byte(catalogue))); err != nil {
		t.Error(err)
	}
	other, err := migration.ReadProgramme([]byte(strings.NewReplacer("has: none, text", "has: part, text", "kind: own", "kind: own\n    withdrawn: true").Replace(catalogue)))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, c := range other.Differences(p) {
		paths = append(paths, c.String())
	}
	if want := []string{"replacements[fleet].withdrawn: (none) -> true", "replacements[fleet].features[rules].has: none -> part"}; !slices.Equal(paths, want) {
		t.Errorf("%q", paths)
	}
	if got := other.Offered(); len(got) != 1 || got[0].Key != "paper" {
		t.Errorf("%+v", got)
	}
}

func TestStepThreeIsNotNeededWithoutAnythingToChoose(t *testing.T) {
	src := sound + "steps: {choose: true, settle: true}\n"
	p, err := migration.ReadProgramme([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.StepsInEffect(); got.Choose || !got.Settle {
		t.Errorf("%+v", got)
	}
}

// TestI01_BadCataloguesAreRefusedWhereTheyAreWrong spoils one place of the catalogue at a time.
func TestI01_BadCataloguesAreRefusedWhereTheyAreWrong(t *testing.T) {
	schema := published(t)
	for _, c := range []struct {
		old, new string
		at       string // the text at whose line the finding must stand
		want     string
		beyond   bool // what a schema cannot express
	}{
		{"kind: own", "kind: ours", "kind: ours", "must be one of own, partner, self", false},
		{"model: seat_month", "model: seat_day", "price: {model", "must be one of free", false},
		{"amount: 990", "amount: 9.90", "price: {model", "must be a whole number", false},
		{"amount: 990", "amount: -1", "price: {model", "above zero", false},
		{"currency: EUR", "currency: EUX", "price: {model", "is no currency", true},
		{"model: seat_month", "model: free", "price: {model", "does not go with model: free", false},
		{"{dataset: papers, moves: all}", "{dataset: paper, moves: all}", "{dataset: paper,", `there is no dataset "paper"`, true},
		{"{dataset: papers, moves: all}", "{dataset: boats, moves: all}", "{dataset: boats, moves: all}", `stands here a second time; it was "part" before`, true},
		{"{dataset: boats, moves: part,", "{dataset: boats, moves: all,", "{dataset: boats, moves: all,", "import.loses names a loss of boats.built", true},
		{"{dataset: boats, moves: part,", "{dataset: boats, moves: none,", "{dataset: boats, moves: none,", "import.files makes ships.csv from it", true},
		{"{dataset: papers, moves: all}", "{dataset: papers, moves: some}", "{dataset: papers, moves: some}", "must be one of all, part, none", false},
		{"{dataset: papers, moves: all}", "{dataset: papers, moves: part}", "{dataset: papers, moves: part}", "is missing; give the wording", false},
		{"{feature: crew, has: all}", "{feature: crews, has: all}", "{feature: crews", `there is no feature "crews"`, true},
		{"{feature: crew, has: all}", "{feature: rules, has: all}", "{feature: rules, has: all}", `stands here a second time; it was "none" before`, true},
		{"{feature: crew, has: all}", "{feature: crew, has: yes}", "{feature: crew, has: yes}", "must be one of all, part, none", false},
		{"attribute: seats", "attribute: seats\n    query: select 1", "attribute: seats", "stands beside query", false},
		{"from horn where owner = :customer_id", "from horn where owner = :who", "query: select count", "unknown parameter :who", true},
		{"key: horns\n", "key: rules\n", "key: rules\n    name: {en: Horns", `there are two features "rules"`, true},
		{`recommend: "off"`, "recommend: maybe", "choice: {", "must be on or off", false},
		{"refresh: 6", "refresh: 0", "choice: {", "must lie between 1 and 720", false},
		{"discount: 2500", "discount: 10001", "offer: {", "must lie between 0 and 10000", false},
		{"pool: true", "pool: true, code: X", "offer: {", "stands beside code", false},
		{"tiers: [core]", "tiers: [gold]", "offer: {", `there is no tier "gold"`, true},
		{"https://fleet.example/start", "http://fleet.example/start", "sign_up: {", "must begin with https://", true},
		{"fields: [customer_name, seats]", "fields: [customer_name, iban]", "sign_up: {", `"iban" is not handed over`, false},
		{"- {key: load,", "- {key: export,", "- {key: export, title: {en: Load", `there are two steps "export"`, true},
		{"video: https://fleet.example/video", "video: javascript:alert(1)", "video: javascript", "must be a web address", true},
		{"contact: {email: hello@fleet.example}", "contact: {email: nobody}", "contact: {", "is no e-mail address", false},
		{"certifications: [ISO 27001]", `certifications: [""]`, "certifications: [", "must be a name such as", false},
		{"zh-CN: 10 GB}}", `zh-CN: "10 \u202egb"}}`, "limits:", "holds a control character", true},
	} {
		src := strings.Replace(catalogue, c.old, c.new, 1)
		if src == catalogue {
			t.Errorf("%q is not in the catalogue", c.old)
			continue
		}
		_, err := migration.ReadProgramme([]byte(src))
		found := migration.FindingsOf(err).Errors()
		at := line(t, src, c.at)
		if i := slices.IndexFunc(found, func(f migration.Finding) bool {
			return strings.Contains(f.Message, c.want) && (f.Line == at || f.Line == at+1)
		}); i < 0 {
			t.Errorf("%s: no finding %q on line %d; found:\n%v", c.new, c.want, at, fmt.Sprint(found))
		}
		var value any
		if err := yaml.Unmarshal([]byte(src), &value); err != nil {
			t.Fatal(err)
		}
		if refused := schema.Validate(widen(value)) != nil; refused == c.beyond {
			t.Errorf("%s: the schema refuses it: %t", c.new, refused)
		}
	}
}
