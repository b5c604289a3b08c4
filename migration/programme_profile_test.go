package migration_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"offramp/migration"
)

// rich is the sound programme with other sources, filters and a replacement.
var rich = strings.Replace(sound, "      - {name: name}\n    row_key: id\n", `      - {name: name}
      - {name: harbour, type: text}
      - {name: built, type: date}
      - {name: changed, type: instant}
    row_key: id
    period: built
    changed: changed
    filters: {harbour: harbour}
  - key: papers
    name: {en: Papers, zh-CN: 文件}
    source: files
    objects: {prefix: "papers/:customer_id/"}
  - key: logs
    name: {en: Logs, zh-CN: 日志}
    source: api
    request:
      path: /v1/logs?of=:customer_id
      header: {Accept-Language: en}
      items: data.items
      paging:
        by: cursor
        cursor: meta.next
        parameter: after
        size: 100
        size_parameter: limit
  - key: boats2
    name: {en: Boats, zh-CN: 小船}
    source: product
    query: select id from boat where owner = :customer_id
`, 1) + `export:
  promise_hours: 48
  filters:
    - key: harbour
      name: {en: Harbour, zh-CN: 港口}
      source: product
      query: select id as value, name as label from harbour where owner = :customer_id
replacements:
  - key: fleet
    name: {en: Fleet, zh-CN: 船队}
    import:
      files:
        - name: ships.csv
          dataset: boats
          where: row.harbour != 'x'
          columns:
            - {name: No, from: id}
            - {name: Name, value: "row.name + '!'"}
            - {name: Kind, constant: ""}
            - name: Port
              from: harbour
              map: {"1": North}
              otherwise: South
      loses:
        - {dataset: boats, column: built, text: {en: Ages are lost., zh-CN: 不保留船龄。}}
        - {text: {en: So is the smell., zh-CN: 气味也一样。}}
  - key: paper
    name: {en: Paper, zh-CN: 纸张}
`

// line is where a text begins in rich, so that the cases below do not have to be counted anew.
func line(t *testing.T, src, text string) int {
	t.Helper()
	i := strings.Index(src, text)
	if i < 0 {
		t.Fatalf("%q is not in the file", text)
	}
	return 1 + strings.Count(src[:i], "\n")
}

var badParts = []struct {
	name, old, new, want string
	beyond               bool // the JSON Schema cannot express it
}{
	{"two origins", "    objects:", "    query: select :customer_id\n    objects:", "datasets[1].objects: stands beside query; a dataset comes from exactly one of", false},
	{"prefix of everybody", "papers/:customer_id/", "papers/", "datasets[1].objects.prefix: does not use :customer_id and would give everybody's data", false},
	{"prefix of two customers", "papers/:customer_id/", "papers/:customer_id", "datasets[1].objects.prefix: ends with :customer_id and so holds other customers", false},
	{"count of objects", "    objects:", "    count: select :customer_id\n    objects:", "datasets[1].count: goes with query only", true},
	{"period of objects", "    objects:", "    period: changed\n    objects:", "datasets[1].period: goes with query only", true},
	{"request elsewhere", "/v1/logs", "//evil.example/v1/logs", "datasets[2].request.path: must begin with one slash", false},
	{"request of everybody", "?of=:customer_id", "?of=1", "datasets[2].request.path: does not use :customer_id", false},
	{"unknown parameter", "?of=:customer_id", "?of=:customer_id&x=:day", "datasets[2].request.path: uses the unknown parameter :day", true},
	{"secret header", "Accept-Language: en", "Authorization: Bearer x", "datasets[2].request.header.Authorization: looks like a secret", true},
	{"header name", "Accept-Language: en", "\"Accept Language\": en", "datasets[2].request.header.Accept Language: \"Accept Language\" is no name of a header", false},
	{"header of two lines", "Accept-Language: en", "Accept-Language: \"en\\nX: 1\"", "datasets[2].request.header.Accept-Language: must be one line", true},
	{"dots", "items: data.items", "items: data..items", "datasets[2].request.items: \"data..items\" must be names with dots", false},
	{"paging", "by: cursor", "by: guess", "datasets[2].request.paging.by: must be one of link, cursor, page, none", false},
	{"paging missing", "        cursor: meta.next\n", "", "datasets[2].request.paging.cursor: is missing", false},
	{"paging too much", "by: cursor", "by: page", "datasets[2].request.paging.cursor: does not go with by: page", false},
	{"page size", "size: 100\n", "size: 100000\n", "datasets[2].request.paging.size: must lie between 1 and 10000", false},
	{"page first", "size: 100\n", "size: 100\n        first: 1\n", "datasets[2].request.paging.first: does not go with by: cursor", false},
	{"row key", "row_key: id", "row_key: no", "datasets[0].row_key: \"no\" is not among the dataset's columns", true},
	{"period's type", "period: built", "period: harbour", "datasets[0].period: \"harbour\" is text; choose a column of type date or timestamp or instant", true},
	{"changed's type", "changed: changed", "changed: built", "datasets[0].changed: \"built\" is date; choose a column of type timestamp or instant", true},
	{"filter unknown", "filters: {harbour: harbour}", "filters: {port: harbour}", "datasets[0].filters.port: there is no filter \"port\" under export.filters", true},
	{"filter's column", "filters: {harbour: harbour}", "filters: {harbour: port}", "datasets[0].filters.harbour: \"port\" is not among", true},
	{"filter of everybody", "from harbour where owner = :customer_id", "from harbour", "export.filters[0].query: does not use :customer_id", false},
	{"filter without name", "      name: {en: Harbour, zh-CN: 港口}\n", "", "export.filters[0].name: is missing", false},
	{"promise", "promise_hours: 48", "promise_hours: 0", "export.promise_hours: must lie between 1 and 168", false},
	{"replacement twice", "key: paper\n", "key: fleet\n", "replacements[1].key: there are two replacements", true},
	{"replacement of a page", "key: paper\n", "key: later\n", "replacements[1].key: \"later\" is the name of a page", true},
	{"replacement of a device", "key: paper\n", "key: nul\n", "replacements[1].key: \"nul\" cannot be a folder's name", true},
	{"file outside", "name: ships.csv", "name: ../ships.csv", "replacements[0].import.files[0].name: \"../ships.csv\" must be small letters", false},
	{"file format", "name: ships.csv", "name: ships.xlsx", "replacements[0].import.files[0].name: \"ships.xlsx\" must be", false},
	{"file of a device", "name: ships.csv", "name: con.csv", "replacements[0].import.files[0].name: \"con.csv\" cannot be", true},
	{"no dataset", "dataset: boats\n", "dataset: ships\n", "replacements[0].import.files[0].dataset: there is no dataset \"ships\"", true},
	{"undeclared columns", "dataset: boats\n", "dataset: logs\n", "replacements[0].import.files[0].dataset: the dataset \"logs\" does not declare its columns", true},
	{"where's syntax", "row.harbour != 'x'", "row.harbour !=", "replacements[0].import.files[0].where: at 1:15 of the expression", true},
	{"where's type", "row.harbour != 'x'", "row.harbour", "replacements[0].import.files[0].where: gives", true},
	{"where's column", "row.harbour != 'x'", "row.port != 'x'", "replacements[0].import.files[0].where: at 1:4 of the expression: the dataset has no column \"port\"", true},
	{"column twice", "name: Kind", "name: No", "replacements[0].import.files[0].columns[2].name: the column \"No\" is listed twice", true},
	{"column of nothing", ", from: id}", "}", "replacements[0].import.files[0].columns[0]: has none; give exactly one of from", false},
	{"column of two", ", from: id}", ", from: id, constant: x}", "replacements[0].import.files[0].columns[0].constant: has from and constant; give exactly one", false},
	{"column's from", ", from: id}", ", from: no}", "replacements[0].import.files[0].columns[0].from: \"no\" is not among the dataset's columns", true},
	{"column's value", "row.name + '!'", "row.name + 1", "replacements[0].import.files[0].columns[1].value: at 1:10 of the expression: found no matching overload", true},
	{"constant mapped", "constant: \"\"}", "constant: \"\", map: {a: b}}", "replacements[0].import.files[0].columns[2].constant: has neither map nor otherwise", false},
	{"otherwise alone", "              map: {\"1\": North}\n", "", "replacements[0].import.files[0].columns[3].otherwise: goes with map only", false},
	{"map of numbers", "map: {\"1\": North}", "map: {1: North}", "a key must be text; write numbers, true, false and null in quotes", true},
	{"loss of nothing", "dataset: boats, column: built", "dataset: boats, column: age", "replacements[0].import.loses[0].column: \"age\" is not among", true},
	{"loss without dataset", "dataset: boats, column: built", "column: built", "replacements[0].import.loses[0].dataset: is missing", false},
	{"loss without text", "{text: {en: So is the smell., zh-CN: 气味也一样。}}", "{}", "replacements[0].import.loses[1].text: is missing", false},
}

func TestE08_BadDeclarationsAreRefusedAtTheirPlace(t *testing.T) {
	schema := published(t)
	if err := schema.Validate(plain(t, []byte(rich))); err != nil {
		t.Errorf("rich: %v", err)
	}
	read(t, rich)
	for _, c := range badParts {
		t.Run(c.name, func(t *testing.T) {
			src := strings.Replace(rich, c.old, c.new, 1)
			if src == rich {
				t.Fatal("the case changes nothing")
			}
			_, err := migration.ReadProgramme([]byte(src))
			found, at := migration.FindingsOf(err), line(t, rich, c.old)
			if !slices.ContainsFunc(found.Errors(), func(f migration.Finding) bool {
				return strings.Contains(f.Path+": "+f.Message, c.want) && f.Line >= at-9 && f.Line <= at+9 && f.Line > 0
			}) {
				t.Errorf("near line %d want %q\ngot  %s", at, c.want, found.Error())
			}
			var value any
			if err := yaml.Unmarshal([]byte(src), &value); err != nil {
				return
			}
			if refused := schema.Validate(widen(value)) != nil; refused == c.beyond && c.name != "map of numbers" {
				t.Errorf("the schema refuses it: %t", refused)
			}
		})
	}
}

// TestAFaultInAnExpressionHasItsLine holds the line exactly, which is what an editor jumps to.
func TestAFaultInAnExpressionHasItsLine(t *testing.T) {
	src := strings.Replace(rich, "row.name + '!'", "row.nam", 1)
	_, err := migration.ReadProgramme([]byte(src))
	found := migration.FindingsOf(err).Errors()
	if len(found) != 1 || found[0].Line != line(t, src, "row.nam\"") || found[0].Column != 35 {
		t.Errorf("got %v, want line %d", found, line(t, src, "row.nam\""))
	}
}

func TestWhatCannotBeCutOrIsNotUsedIsWarnedOf(t *testing.T) {
	src := strings.NewReplacer("    filters: {harbour: harbour}\n", "", "key: paper\n", "key: paper\n    import: {}\n").Replace(rich)
	var got []string
	for _, w := range read(t, src).Warnings {
		got = append(got, w.Path)
	}
	want := []string{"datasets[3].row_key", "export.filters[0].key", "replacements[1].import.files"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDifferencesOfReplacementsAreReadable(t *testing.T) {
	is := read(t, strings.NewReplacer(
		"row_key: id", "row_key: name", "filters: {harbour: harbour}", "filters: {harbour: name}",
		"prefix: \"papers/", "prefix: \"paper/", "promise_hours: 48", "promise_hours: 72",
		"constant: \"\"", "constant: boat", "\"1\": North", "\"1\": Nord, \"2\": East", "otherwise: South\n", "otherwise: \"\"\n",
		"Ages are lost.", "Their age is lost.", "            - {name: No, from: id}\n", "",
		"  - key: paper\n    name: {en: Paper, zh-CN: 纸张}\n", "",
	).Replace(rich))
	var got []string
	for _, c := range is.Differences(read(t, rich)) {
		got = append(got, c.String())
	}
	slices.Sort(got)
	file := "replacements[fleet].import.files[ships.csv].columns"
	want := []string{
		"datasets[boats].filters.harbour: harbour -> name",
		"datasets[boats].row_key: id -> name",
		"datasets[papers].objects.prefix: papers/:customer_id/ -> paper/:customer_id/",
		"export.promise_hours: 48 -> 72",
		"replacements[fleet].import.loses[boats.built].text.en: Ages are lost. -> Their age is lost.",
		"replacements[paper]: present -> (none)",
		file + "[Kind].constant: \"\" -> \"boat\"",
		file + "[No]: present -> (none)",
		file + "[Port].map.1: North -> Nord",
		file + "[Port].map.2: (none) -> East",
		file + "[Port].otherwise: \"South\" -> \"\"",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if p := read(t, sound); p.Export.PromiseHours != 24 {
		t.Errorf("promise: %d hours", p.Export.PromiseHours)
	}
}
