package replacement_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"offramp/internal/db"
	"offramp/migration"

	"offramp/migration/replacement"
)

func TestUseIsCountedAndReplaced(t *testing.T) {
	h := open(t)
	p := &product{all: map[string]int64{"HZ-a": 14, "HZ-unknown": 3}, one: map[string]int64{"HZ-b": 2}}
	c := h.counter(p)
	h.count(c, "rules", "horns", "crew", "nothing")
	h.want("a", "rules 14, horns 0, crew 20")
	h.want("b", "rules 0, horns 2, crew 20")
	p.all = map[string]int64{"HZ-b": 1}
	h.count(c, "rules") // at the same instant: rows of the count before are told apart all the same
	h.want("a", "rules 0, horns 0, crew 20")
	h.want("b", "rules 1, horns 2, crew 20")
	if got := h.overview("a").Usage.AsOf(); !got.Equal(today) {
		t.Error(got)
	}
	row := func() string {
		return h.text(`SELECT xmin::text FROM feature_usage WHERE customer_id = 'b' AND feature = 'rules'`)
	}
	before := row()
	h.count(c, "rules")
	if row() != before {
		t.Error("a count that is as it was is written anew")
	}
	h.clock.Advance(time.Minute)
	p.all = map[string]int64{"HZ-b": 5}
	h.count(c, "rules")
	h.want("b", "rules 5, horns 2, crew 20")
	if got := h.overview("b").Usage["rules"].AsOf; !got.Equal(today.Add(time.Minute)) {
		t.Error(got)
	}
}

// want compares what is known of a customer's use; a question mark is not known, an exclamation mark is stale.
func (h *house) want(id, want string) {
	h.Helper()
	var got []string
	usage := h.overview(id).Usage
	for _, f := range h.p.Features {
		c := usage[f.Key]
		s := f.Key + " ?"
		if c.Known {
			s = f.Key + " " + string(rune('0'+c.Uses%10))
			if c.Uses >= 10 {
				s = f.Key + " " + string(rune('0'+c.Uses/10)) + string(rune('0'+c.Uses%10))
			}
		}
		if c.Stale {
			s += "!"
		}
		got = append(got, s)
	}
	if s := strings.Join(got, ", "); s != want {
		h.Errorf("%s: %s, want %s", id, s, want)
	}
}

func TestAQuestionThatFailsKeepsWhatWasKnown(t *testing.T) {
	h := open(t)
	p := &product{all: map[string]int64{"HZ-a": 14}, fail: map[string]error{}}
	c := h.counter(p)
	p.fail["horn"] = errWord
	h.count(c, "rules", "horns")
	h.want("a", "rules 14, horns ?, crew ?")
	p.all, p.fail["rule"] = map[string]int64{"HZ-b": 1}, errWord
	h.clock.Advance(time.Hour)
	h.count(c, "rules")
	h.want("a", "rules 14!, horns ?, crew ?")
	h.want("b", "rules 0!, horns ?, crew ?")
	features, err := h.service.Features(t.Context(), h.p)
	if err != nil || len(features) != 3 || features[0].Problem == "" || features[0].CountedAt.IsZero() || !features[1].CountedAt.IsZero() || features[2].Problem != "" {
		t.Errorf("%+v, %v", features, err)
	}
	if strings.Contains(features[0].Problem, "CANARY") {
		t.Errorf("the source's words are stored: %s", features[0].Problem)
	}
	delete(p.fail, "rule")
	h.count(c, "rules")
	h.want("b", "rules 1, horns ?, crew ?")
}

func TestAQuestionThatTakesTooLongIsGivenUp(t *testing.T) {
	h := open(t)
	p := &product{wait: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
	h.count(h.counter(p, func(c *replacement.CounterConfig) { c.Limit, c.Slow = 50*time.Millisecond, time.Millisecond }), "rules")
	features, err := h.service.Features(t.Context(), h.p)
	if err != nil || features[0].Problem != "did not answer within 50ms" || !features[0].Slow || !features[0].CountedAt.IsZero() {
		t.Errorf("%+v, %v", features, err)
	}
	h.want("a", "rules ?, horns ?, crew ?")
}

func TestAChangedQuestionForgetsTheAnswers(t *testing.T) {
	h := open(t)
	p := &product{all: map[string]int64{"HZ-a": 14}, fail: map[string]error{}}
	c := h.counter(p)
	h.count(c, "rules")
	h.p = read(t, strings.Replace(source, "count(*) as count from rule", "count(*) as count from other_rule", 1))
	p.fail["other"] = errWord
	h.count(c, "rules")
	h.want("a", "rules ?, horns ?, crew ?")
}

func TestAFeatureThatNobodyUses(t *testing.T) {
	h := open(t)
	h.count(h.counter(&product{}), "rules", "horns", "crew")
	features, err := h.service.Features(t.Context(), h.p)
	if err != nil || !features[0].Unused() || features[2].Unused() || features[2].Customers != 2 || features[2].Uses != 40 {
		t.Errorf("%+v, %v", features, err)
	}
	next, _ := h.p.Replacement("next")
	fit := replacement.Of(h.p, next, h.overview("a").Usage)
	if len(fit.Lost) != 0 || len(fit.Unused) != 2 || !fit.Known() {
		t.Errorf("%+v", fit)
	}
	for _, l := range replacement.LossesOf(h.p, next, h.overview("a").Usage) {
		if l.Feature != "" {
			t.Errorf("a loss of what nobody uses: %+v", l)
		}
	}
}

func TestACustomerWhoCameAfterTheCountIsNotKnown(t *testing.T) {
	h := open(t)
	h.count(h.counter(&product{all: map[string]int64{"HZ-a": 14}}), "rules")
	h.exec(`UPDATE customer SET imported_at = $1 WHERE id = 'b'`, today.Add(time.Second))
	h.want("a", "rules 14, horns ?, crew ?")
	h.want("b", "rules ?, horns ?, crew ?")
}

func TestOneCustomerIsCountedOnDemand(t *testing.T) {
	h := open(t)
	p := &product{all: map[string]int64{"HZ-a": 14}, one: map[string]int64{"HZ-a": 2}}
	c := h.counter(p)
	h.count(c, "rules", "horns")
	for range 2 {
		if err := h.service.Refresh(t.Context(), who("a"), h.p); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.text(`SELECT count(*)::text FROM river_job WHERE kind = 'customer_count'`); n != "1" || !h.overview("a").Counting {
		t.Errorf("%s jobs, counting %t", n, h.overview("a").Counting)
	}
	p.all["HZ-a"], p.one["HZ-a"] = 15, 0
	h.clock.Advance(time.Minute)
	if err := c.CountCustomer(t.Context(), h.p, "a"); err != nil {
		t.Fatal(err)
	}
	h.want("a", "rules 15, horns 0, crew ?")
	if o := h.overview("a"); o.Counting || !o.Usage["rules"].AsOf.Equal(today.Add(time.Minute)) {
		t.Errorf("%+v", o)
	}
	p.fail = map[string]error{"horn": errWord}
	p.all["HZ-a"] = 16
	if err := c.CountCustomer(t.Context(), h.p, "a"); err != nil {
		t.Fatal(err)
	}
	h.want("a", "rules 16, horns 0, crew ?")
}

// TestTheSweepAsksForCountsThatAreDue runs the sweep as the job does, and looks at what it enqueued.
func TestTheSweepAsksForCountsThatAreDue(t *testing.T) {
	h := open(t)
	p := &product{fail: map[string]error{}}
	c := h.counter(p)
	sweep := replacement.NewSweep(h.service, c)
	due := func(want string) {
		t.Helper()
		if err := sweep(t.Context(), h.p); err != nil {
			t.Fatal(err)
		}
		if got := h.text(`SELECT coalesce(string_agg(args->>'feature', ' ' ORDER BY id), '') FROM river_job WHERE kind = 'feature_count'`); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if _, err := h.db.Pool.Exec(t.Context(), `DELETE FROM river_job`); err != nil {
			t.Fatal(err)
		}
	}
	due("rules horns crew")
	p.fail["horn"] = errWord
	h.count(c, "rules", "horns", "crew")
	due("")
	h.clock.Advance(31 * time.Minute)
	due("horns")
	h.clock.Advance(24 * time.Hour)
	due("rules horns crew")
}

func TestZ06_ACountReachesOneCustomer(t *testing.T) {
	h := open(t)
	h.count(h.counter(&product{all: map[string]int64{"HZ-a": 14, "HZ-b": 3}}), "rules")
	o, err := h.service.Overview(t.Context(), db.StaffScope("staff"), "b")
	if err != nil || o.Usage["rules"].Uses != 3 {
		t.Errorf("staff: %+v, %v", o.Usage, err)
	}
	if h.overview("a").Usage["rules"].Uses != 14 {
		t.Error("a sees what is not its own")
	}
}

// rows is a source that answers row by row.
type rows struct {
	*product
	yield func(add func(ref string, uses int64) error) error
}

func (r rows) CountAll(_ context.Context, _ migration.Query, add func(string, int64) error) error {
	return r.yield(add)
}

func TestRowsOfOneCustomerAreAddedUpAndALaterCountOfOneStays(t *testing.T) {
	h := open(t)
	one := h.counter(&product{all: map[string]int64{"HZ-b": 7}})
	h.count(h.counter(rows{yield: func(add func(string, int64) error) error {
		for _, n := range []int64{4, 0, 10} {
			if err := add("HZ-a", n); err != nil {
				return err
			}
		}
		h.clock.Advance(time.Minute)
		if err := one.CountCustomer(h.Context(), h.p, "b"); err != nil {
			return err
		}
		return add("HZ-b", 9)
	}}), "rules")
	h.want("a", "rules 14, horns ?, crew ?")
	h.want("b", "rules 7, horns 0, crew ?")
	h.clock.Advance(time.Minute)
	h.count(h.counter(rows{yield: func(add func(string, int64) error) error { return add("HZ-b", -1) }}), "rules")
	features, err := h.service.Features(t.Context(), h.p)
	if err != nil || features[0].Problem != "gave a count below zero" {
		t.Errorf("%+v, %v", features, err)
	}
	h.want("b", "rules 7!, horns 0, crew ?")
}
