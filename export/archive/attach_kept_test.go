package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// refusal is what source.ObjectError is: one attachment's failure, which may yet be the place's.
type refusal struct {
	reason   string
	doubtful bool
}

func (r refusal) Error() string      { return r.reason }
func (r refusal) ItemReason() string { return r.reason }
func (r refusal) ItemDoubtful() bool { return r.doubtful }

// guarded is a place that refuses what it is told to refuse.
type guarded map[string]refusal

func (g guarded) Open(_ context.Context, key string) (io.ReadCloser, int64, error) {
	if r, ok := g[key]; ok {
		return nil, 0, r
	}
	return io.NopCloser(strings.NewReader(key)), int64(len(key)), nil
}

func attachAll(t *testing.T, place guarded, keys ...string) (Result, error) {
	t.Helper()
	w, err := NewWriter(new(bytes.Buffer), sampleHeader, Options{})
	must(t, err)
	var list []Attachment
	for _, k := range keys {
		list = append(list, Attachment{k, k + ".pdf", -1})
	}
	if err := w.AddAttachments(t.Context(), "documents", int64(len(list)), listed(list...), place); err != nil {
		return Result{}, err
	}
	return w.Close()
}

// TestOneAttachmentNeverStopsTheRest: each is named with its own reason, in the order in which they came.
func TestOneAttachmentNeverStopsTheRest(t *testing.T) {
	result, err := attachAll(t, guarded{"cold": {"archived", false}, "locked": {"no_key", false}, "denied": {"denied", true}, "broken": {"unreadable", true}},
		"denied", "cold", "a", "locked", "broken", "z")
	must(t, err)
	c := result.Receipt.Attachments[0]
	var got []string
	for _, f := range c.Failures {
		got = append(got, f.Name+" "+f.Reason)
	}
	if diff := cmp.Diff([]string{"denied.pdf denied", "cold.pdf archived", "locked.pdf no_key", "broken.pdf unreadable"}, got); diff != "" || c.Exported != 2 || c.Source != 6 {
		t.Error(c, diff)
	}
}

// TestAPlaceThatDeniesEverythingEndsTheExport: an archive without any attachment because somebody took our rights away must not be
// sold as a copy that lacks some.
func TestAPlaceThatDeniesEverythingEndsTheExport(t *testing.T) {
	denied := guarded{}
	var keys []string
	for i := range 300 {
		keys = append(keys, fmt.Sprint(i))
		denied[fmt.Sprint(i)] = refusal{"denied", true}
	}
	if _, err := attachAll(t, denied, keys...); err == nil || !strings.Contains(err.Error(), "attachment 100 of") {
		t.Error(err)
	}
	if _, err := attachAll(t, denied, keys[:2]...); err == nil || !strings.Contains(err.Error(), "all attachments of") {
		t.Error(err)
	}
	if result, err := attachAll(t, denied, keys[0]); err != nil || result.Receipt.Attachments[0].Failed != 1 {
		t.Error("a single one is its own failure:", err)
	}
	if result, err := attachAll(t, denied, append(keys[:50], "good")...); err != nil || result.Receipt.Attachments[0].Failed != 50 {
		t.Error("one that can be read tells that the place is well:", err)
	}
	cold := guarded{"a": {"archived", false}, "b": {"archived", false}}
	if result, err := attachAll(t, cold, "a", "b"); err != nil || result.Receipt.Attachments[0].Failed != 2 {
		t.Error("cold objects are cold all together:", err)
	}
}
