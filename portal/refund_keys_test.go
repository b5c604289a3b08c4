package portal_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localkms"
	"offramp/internal/secret/awskms"
)

// wrapped puts bank details under a key management service of this world's own.
func (w *world) wrapped() *localkms.Server {
	w.Helper()
	s, err := localkms.Start(w.Context(), w.TempDir())
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = s.Close() })
	key, err := s.CreateKey(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.keys, err = awskms.Open(w.Context(), awskms.Options{Key: key, Region: localkms.Region, Endpoint: s.URL, AccessKey: "id", SecretKey: "secret", Attempt: 200 * time.Millisecond})
	if err != nil {
		w.Fatal(err)
	}
	w.serve("http://portal.example")
	return s
}

func TestA10_WhileTheKeysAreAwayTheAccountsFormKeepsWhatWasTyped(t *testing.T) {
	w := newPrepaid(t)
	service := w.wrapped()
	if err := service.Stop(); err != nil {
		t.Fatal(err)
	}
	w.sent("owner", "/refund/CNY/method", url.Values{"method": {"bank"}}, 303)
	typed := url.Values{"kind": {"iban"}, "number": {"DE89 3704 0044 0532 0130 00"}, "holder": {"CANARY-holder"}, "bank": {"COBADEFFXXX"}}
	body := w.sent("owner", "/refund/CNY/bank", typed, 503).body
	w.shownIn(body, "we saved nothing", "again in a few minutes", `value="DE89 3704 0044 0532 0130 00"`, `value="CANARY-holder"`, `value="COBADEFFXXX"`)
	w.speak("owner", "zh-CN")
	w.shownIn(w.sent("owner", "/refund/CNY/bank", typed, 503).body, "没有保存任何内容")
	w.speak("owner", "en")
	if err := service.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	ref := w.asked("owner")
	w.shows("owner", "/refund/"+ref, "**** 3000", "CANARY-holder")
	for _, step := range []struct{ who, act string }{{"finance_clerk", "review"}, {"finance_approver", "approve"}} {
		if a := w.decided(step.who, ref, step.act, nil); a.status != 303 {
			t.Fatalf("%s: %d", step.act, a.status)
		}
	}
	w.serve("http://portal.example") // another process, without keys in memory
	if err := service.Stop(); err != nil {
		t.Fatal(err)
	}
	w.hides(w.shows("owner", "/refund/"+ref, "**** 3000"), "CANARY-holder")
	batch := url.Values{"method": {"bank"}, "currency": {"CNY"}}
	if a := w.post("finance_clerk", "/console/finance/batches", batch); a.status != 503 || !strings.Contains(a.body, "Nothing has changed") {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if err := service.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.sent("finance_clerk", "/console/finance/batches", batch, 303)
}
