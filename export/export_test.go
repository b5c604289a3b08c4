package export

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"offramp/export/archive"
	"offramp/export/source"
	"offramp/export/storage"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// in returns an export in a state, as its transitions would have left it.
func in(s State) Export {
	e := Export{ID: "x", Number: 10001, State: s}
	if s == Running {
		e.Stage, e.Attempt = StageReading, 3
	}
	if s == Ready || s == Expired {
		until := noon.Add(time.Hour)
		e.ReadyAt, e.ExpiresAt = &noon, &until
	}
	return e
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	trouble := Trouble{Delayed: "export.delayed", Cause: "why"}
	moves := map[string]struct {
		move func(Export) (Export, error)
		from map[State]State
	}{
		"start":     {func(e Export) (Export, error) { return e.Start(noon) }, map[State]State{Queued: Running, Running: Running}},
		"stumble":   {func(e Export) (Export, error) { return e.Stumble(trouble) }, map[State]State{Running: Running}},
		"recover":   {func(e Export) (Export, error) { return e.Recover() }, map[State]State{Running: Running}},
		"hand over": {func(e Export) (Export, error) { return e.HandOver() }, map[State]State{Running: Queued}},
		"delay":     {func(e Export) (Export, error) { return e.Delay(trouble) }, map[State]State{Running: Queued}},
		"fail":      {func(e Export) (Export, error) { return e.Fail(noon, trouble) }, map[State]State{Running: Failed}},
		"seal":      {func(e Export) (Export, error) { return e.Seal(noon, Sealed{Size: 1}, time.Hour) }, map[State]State{Running: Ready}},
		"cancel":    {func(e Export) (Export, error) { return e.Cancel(noon) }, map[State]State{Queued: Cancelled, Running: Cancelled}},
		"early":     {func(e Export) (Export, error) { return e.Expire(noon) }, nil},
		"expire":    {func(e Export) (Export, error) { return e.Expire(noon.Add(time.Hour)) }, map[State]State{Ready: Expired}},
		"retry":     {func(e Export) (Export, error) { return e.Retry() }, map[State]State{Failed: Queued}},
	}
	for name, m := range moves {
		for _, s := range []State{Queued, Running, Ready, Failed, Cancelled, Expired} {
			before := in(s)
			got, err := m.move(before)
			want, ok := m.from[s]
			if !ok {
				if !errors.Is(err, ErrMoved) || !reflect.DeepEqual(got, before) {
					t.Errorf("%s from %s: %s, %v", name, s, got.State, err)
				}
				continue
			}
			if err != nil || got.State != want {
				t.Errorf("%s from %s: %s, %v; want %s", name, s, got.State, err, want)
			}
			if got.State != Running && got.Stage != "" {
				t.Errorf("%s from %s leaves stage %s", name, s, got.Stage)
			}
		}
	}
}

func TestTransitionsKeepTheBooks(t *testing.T) {
	t.Parallel()
	e, _ := in(Running).Delay(Trouble{Delayed: "export.delayed_source", Cause: "down"})
	if e.Failures != 1 || e.Delayed != "export.delayed_source" || e.Cause != "down" {
		t.Errorf("delayed: %+v", e)
	}
	e, _ = e.Start(noon)
	if e.Attempt != 4 || e.Delayed == "" {
		t.Errorf("an attempt after trouble: %+v", e)
	}
	ready, _ := e.Seal(noon, Sealed{Size: 1, Rows: 7}, 7*24*time.Hour)
	if ready.Delayed != "" || ready.Cause != "" || ready.RowsDone != 7 || !ready.ExpiresAt.Equal(noon.Add(7*24*time.Hour)) {
		t.Errorf("sealed: %+v", ready)
	}
	if !ready.Downloadable(noon) || ready.Downloadable(*ready.ExpiresAt) {
		t.Error("a ready export is downloadable up to, not at, its end")
	}
	_, err := ready.Check(noon)
	if !errors.Is(err, ErrNotDownloaded) {
		t.Errorf("checked without a download: %v", err)
	}
	ready.DownloadedAt = &noon
	if checked, err := ready.Check(noon); err != nil || checked.CheckedAt == nil {
		t.Errorf("checked: %v", err)
	}
	if _, err := in(Queued).Check(noon); !errors.Is(err, ErrMoved) {
		t.Errorf("checked before it was ready: %v", err)
	}
	failed, _ := in(Running).Fail(noon, Trouble{Cause: "why"})
	if again, _ := failed.Retry(); again.Failures != 0 || again.Cause != "" || again.FinishedAt != nil || again.Attempt != 3 {
		t.Errorf("retried: %+v", again)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err     error
		retry   bool
		delayed string
	}{
		{&source.Error{Kind: source.Unavailable}, true, "export.delayed_source"},
		{&source.Error{Kind: source.Locked}, true, "export.delayed_source"},
		{&source.Error{Kind: source.Denied}, true, "export.delayed_source"},
		{&source.Error{Kind: source.Inconsistent, Cause: &archive.CountError{}}, true, "export.delayed_source"},
		{&source.Error{Kind: source.Schema}, false, "export.delayed"},
		{&source.Error{Kind: source.Invalid}, false, "export.delayed"},
		{&storage.Error{Kind: storage.Unavailable}, true, "export.delayed_storage"},
		{&storage.Error{Kind: storage.Denied}, true, "export.delayed_storage"},
		{&storage.Error{Kind: storage.Invalid}, true, "export.delayed_storage"},
		{&archive.CountError{Dataset: "tasks"}, false, "export.delayed"},
		{errors.New("anything else"), true, "export.delayed"},
	} {
		v := judge(fmt.Errorf("build: %w", c.err))
		if v.retry != c.retry || v.Delayed != c.delayed || v.Cause == "" {
			t.Errorf("%v: %+v", c.err, v)
		}
	}
}

func TestACauseIsToldByItsReason(t *testing.T) {
	pg := errors.New(`column "title" does not exist (at character 8): ERROR: column "title" does not exist (SQLSTATE 42703)`)
	for want, err := range map[Reason]error{
		{Kind: "source_schema", Dataset: "tasks", Code: "SQLSTATE 42703"}: fmt.Errorf("plan: %w", &source.Error{Kind: source.Schema, Dataset: "tasks", Cause: pg}),
		{Kind: "source_denied"}:            &source.Error{Kind: source.Denied, Cause: errors.New("no right")},
		{Kind: "source_unavailable"}:       &source.Error{Kind: source.Unavailable, Cause: errors.New("refused")},
		{Kind: "source_locked"}:            &source.Error{Kind: source.Locked, Cause: errors.New("locked")},
		{Kind: "source_invalid"}:           &source.Error{Kind: source.Invalid, Cause: errors.New("wrong")},
		{Kind: "source_inconsistent"}:      &source.Error{Kind: source.Inconsistent, Cause: errors.New("changed")},
		{Kind: "storage_denied"}:           &storage.Error{Kind: storage.Denied, Op: "upload part 3", Key: "abc", Cause: errors.New("no right")},
		{Kind: "storage_unavailable"}:      &storage.Error{Kind: storage.Unavailable, Op: "commit", Cause: errors.New("source: broke")},
		{Kind: "counts", Dataset: "tasks"}: &archive.CountError{Dataset: "tasks", What: "rows", Expected: 3, Actual: 2},
		{Kind: "died"}:                     errors.New("2 attempts ended without a word; it may be what kills the workers"),
		{Kind: "other"}:                    errors.New("something else"),
	} {
		if got := (Export{Cause: err.Error()}).Reason(); got != want {
			t.Errorf("%q is told as %+v, want %+v", err, got, want)
		}
	}
	if got := (Export{}).Reason(); got != (Reason{}) {
		t.Errorf("no trouble is told as %+v", got)
	}
}
