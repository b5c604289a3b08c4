package audience_test

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
	"offramp/migration/audience"
)

var features = []string{"gantt", "wiki"}

var customers = []audience.Customer{
	{Ref: "A-1", Name: "禾舟", Tier: "core", Locale: "zh-CN", Zone: "Asia/Shanghai", Attributes: map[string]string{"plan": "pro", "seats": "20"}, Uses: map[string]int64{"gantt": 7}},
	{Ref: "A-2", Name: "100% _Boats_", Tier: "standard", Locale: "en", Zone: "UTC", Attributes: map[string]string{"plan": "free", "seats": "many"}},
	{Ref: "a-3", Name: "", Tier: "standard", Locale: "en", Zone: "UTC", Attributes: map[string]string{}, Uses: map[string]int64{"wiki": 1}},
	{Ref: "B-4", Name: "Z' OR ''='", Tier: "basic", Locale: "en", Zone: "UTC", Attributes: map[string]string{"seats": "-3", "plan": ""}},
}

var rules = []string{
	`true`, `tier == "core"`, `tier != "core"`, `tier in ["core", "basic"]`, `!(tier in [])`, `ref < "a"`, `name > "Z"`,
	`attributes.plan == "pro"`, `attributes["plan"] != "pro"`, `has(attributes.plan) && attributes.plan == ""`, `has(attributes.seats)`,
	`int(attributes.seats) >= 20`, `has(attributes.seats) && int(attributes.seats) < -2`, `int(attributes.seats) == -3 || tier == "core"`,
	`tier == "core" && attributes.none == "x"`, `tier == "core" || attributes.none == "x"`,
	`name.startsWith("100%")`, `name.endsWith("_")`, `name.contains("' OR '")`, `name.contains("")`, `name == "Z' OR ''='"`,
	`steps.export == "not_started"`, `steps["confirm"] != "completed" && uses.gantt > 5`, `uses.wiki == 0`, `-uses.wiki < 0`,
}

// TestBothReadingsAgree holds the SQL of each rule against CEL itself, for each customer: true, false, or no result.
func TestBothReadingsAgree(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	steps := map[string]string{"dates": "not_started", "export": "not_started", "choose": "not_started", "settle": "not_needed", "confirm": "cannot_start"}
	err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error { return fill(t.Context(), tx) })
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, text := range rules {
		rule, err := audience.Compile(text, features)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		condition, values := rule.SQL()
		for _, c := range customers {
			c.Steps = steps
			args := pgx.NamedArgs{"ref": c.Ref}
			maps.Copy(args, values)
			var got *bool
			err := d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
				return tx.Pgx.QueryRow(t.Context(), `SELECT `+condition+` FROM customer c JOIN journey j ON j.customer_id = c.id WHERE c.ref = @ref`, args).Scan(&got)
			})
			if err != nil {
				t.Errorf("%s for %s: %v", text, c.Ref, err)
				continue
			}
			want, fault := rule.Holds(c)
			switch {
			case fault != nil && got != nil, fault == nil && (got == nil || *got != want):
				t.Errorf("%s for %s: CEL says %t (%v), SQL %v", text, c.Ref, want, fault, got)
			case fault != nil:
				seen["none"]++
			case want:
				seen["true"]++
			default:
				seen["false"]++
			}
		}
	}
	for _, result := range []string{"true", "false", "none"} {
		if seen[result] < 5 {
			t.Errorf("only %d results were %s; do the rules still tell anything?", seen[result], result)
		}
	}
}

func fill(ctx context.Context, tx *db.Tx) error {
	for _, c := range customers {
		attributes, err := json.Marshal(c.Attributes)
		if err != nil {
			return err
		}
		_, err = tx.Pgx.Exec(ctx, `INSERT INTO customer (id, ref, name, tier, locale, zone, attributes, imported_at, updated_at)
			VALUES ($1, $1, $2, $3, $4, $5, $6, now(), now())`, c.Ref, c.Name, c.Tier, c.Locale, c.Zone, string(attributes))
		if err != nil {
			return err
		}
		_, err = tx.Pgx.Exec(ctx, `INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, updated_at)
			VALUES ($1, 1, 'not_started', 'not_started', 'not_started', 'not_needed', 'cannot_start', now())`, c.Ref)
		if err != nil {
			return err
		}
		for feature, uses := range c.Uses {
			if _, err := tx.Pgx.Exec(ctx, `INSERT INTO feature_usage VALUES ($1, $2, $3, now())`, c.Ref, feature, uses); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``:                                 "is empty",
		`tier`:                             "gives string",
		`tier = "core"`:                    "Syntax error",
		`level == "core"`:                  "a rule may use ref, name, tier",
		`steps.moved == "x"`:               `asks for step "moved"`,
		`uses.chat > 1`:                    `asks for the use of "chat"`,
		`name.matches("a+")`:               "uses matches",
		`size(name) > 3`:                   "uses size",
		`name + "x" == "y"`:                "uses +",
		`["a"].exists(x, x == "a")`:        "undeclared reference",
		`tier == "a" ? true : false`:       "uses ?:",
		strings.Repeat("!", 3000) + "true": "characters",
	} {
		if _, err := audience.Compile(text, features); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v; want %q", text, err, want)
		}
	}
}
