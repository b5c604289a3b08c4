package migration_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"offramp/migration"
)

const schemaPath = "../docs/reference/programme.schema.json"

func published(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plain reads YAML the way an editor does before it asks the schema.
func plain(t *testing.T, src []byte) (value any) {
	t.Helper()
	if err := yaml.Unmarshal(src, &value); err != nil {
		t.Fatal(err)
	}
	return widen(value)
}

// widen turns the YAML library's integers into those that the schema library knows.
func widen(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = widen(v[k])
		}
	case []any:
		for i := range v {
			v[i] = widen(v[i])
		}
	case uint64:
		return int64(v)
	}
	return v
}

func TestExamplesPassThePublishedSchemaAndTheChecks(t *testing.T) {
	schema := published(t)
	paths, err := filepath.Glob("../deploy/examples/*/programme.yaml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("examples: %v, %v", paths, err)
	}
	sources := map[string][]byte{"sound": []byte(sound)}
	for _, path := range paths {
		if sources[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, src := range sources {
		if err := schema.Validate(plain(t, src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := migration.ReadProgramme(src); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTheSchemaRefusesWhatItCanExpress holds the schema against the checks: what it cannot express is listed.
func TestTheSchemaRefusesWhatItCanExpress(t *testing.T) {
	schema := published(t)
	beyond := []string{
		"locale missing in a text", "locale empty in a text", "zone", "zone of the machine", "zone outside", "milestone twice",
		"order", "29 days", "erased too early", "tier twice", "rule syntax", "rule name", "rule type", "dataset key of a device",
		"parameter in a string", "unknown parameter", "customers with parameter", "column twice", "files column", "sink twice",
		"right-to-left override", "escaped NUL", "working backwards", "working twice", "closed and worked",
	}
	for _, c := range badFiles {
		src := []byte(strings.Replace(sound, c.old, c.new, 1))
		var value any
		if err := yaml.UnmarshalWithOptions(src, &value); err != nil || value == nil || strings.HasPrefix(c.name, "I02") || c.name == "second document" || strings.Contains(c.name, "NUL") || strings.Contains(c.name, "UTF-8") || c.name == "too large" {
			continue // no YAML, or what YAML itself forbids
		}
		refused := schema.Validate(widen(value)) != nil
		if expected := !slices.Contains(beyond, c.name); refused != expected {
			t.Errorf("%s: the schema refuses it: %t, want %t", c.name, refused, expected)
		}
	}
}

// TestTheSchemaNamesEveryKey compares the schema's properties with the fields that are read.
func TestTheSchemaNamesEveryKey(t *testing.T) {
	raw, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := yaml.Unmarshal(raw, &schema); err != nil { // JSON is YAML
		t.Fatal(err)
	}
	defs := schema["$defs"].(map[string]any)
	types := map[string]any{
		"": migration.Programme{}, "product": migration.Product{}, "milestone": migration.Milestone{}, "tier": migration.Tier{},
		"query": migration.Query{}, "dataset": migration.Dataset{}, "column": migration.Column{}, "files": migration.Files{},
		"export": migration.ExportRules{}, "signIn": migration.SignInRules{}, "help": migration.Help{}, "question": migration.FAQ{}, "workingPeriod": migration.WorkingPeriod{},
		"sink": migration.Sink{}, "brand": migration.Brand{}, "steps": migration.StepRules{},
		"objects": migration.ObjectQuery{}, "request": migration.Request{}, "paging": migration.Paging{}, "filter": migration.Filter{},
		"replacement": migration.Replacement{}, "import": migration.ImportProfile{}, "importFile": migration.ImportFile{},
		"importColumn": migration.ImportColumn{}, "loss": migration.Loss{},
		"feature": migration.Feature{}, "choice": migration.ChoiceRules{}, "price": migration.Price{}, "effort": migration.Effort{},
		"guide": migration.Guide{}, "guideStep": migration.GuideStep{}, "datasetMove": migration.DatasetMove{}, "featureMove": migration.FeatureMove{},
		"limit": migration.Limit{}, "offer": migration.Offer{}, "signUp": migration.SignUp{}, "reach": migration.Reach{},
		"refund": migration.RefundRules{}, "refundTax": migration.RefundTax{}, "goodwill": migration.Goodwill{}, "bonus": migration.Bonus{},
		"payout": migration.PayoutRules{}, "store": migration.Store{},
		"briefing": migration.Briefing{}, "voice": migration.Voice{}, "briefingQuestion": migration.BriefingQuestion{}, "scenario": migration.Scenario{},
		"notices": migration.NoticePlan{}, "within": migration.Within{}, "notice": migration.Notice{}, "trigger": migration.Trigger{}, "words": migration.Words{},
		"feedback": migration.Feedback{}, "feedbackQuestion": migration.FeedbackAsking{},
	}
	for name, def := range defs {
		if _, object := def.(map[string]any)["properties"]; object && types[name] == nil && name != "text" { // which is keyed by languages
			t.Errorf("%s: compared with no type", name)
		}
	}
	for name, v := range types {
		object := schema
		if name != "" {
			object = defs[name].(map[string]any)
		}
		var published, read []string
		for key := range object["properties"].(map[string]any) {
			published = append(published, key)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			key, rest, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if key != "" && key != "-" && rest == "" {
				read = append(read, key)
			}
		}
		slices.Sort(published)
		slices.Sort(read)
		if diff := cmp.Diff(read, published); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if object["additionalProperties"] != false {
			t.Errorf("%s: takes other keys", name)
		}
	}
}
