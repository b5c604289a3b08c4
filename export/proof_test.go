package export_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/archive"
	"offramp/export/archive/locked"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// TestReadingBackIsPartOfTheProgress stops the bucket in the middle of the last reading: what the customer sees is
// between what it was when everything had been sent and the end.
func TestReadingBackIsPartOfTheProgress(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 3000)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	f := newFaulty(t)
	half, release := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(release) })
	t.Cleanup(goOn)
	var once sync.Once
	f.fail(halfway(t, func() { once.Do(func() { close(half) }) }, release))
	e := w.request(owner)
	w.work(w.configOn(openBucket(t, f.url, w.name, false)), nil)
	arrives(t, half, "half of the archive")
	percent := func() int {
		j, err := w.journey.Journey(t.Context(), db.CustomerScope(owner.CustomerID), owner.CustomerID)
		if err != nil {
			t.Fatal(err)
		}
		if j.Progress == nil {
			return 0
		}
		return j.Progress.Percent
	}
	// 100 of 115 parts are reading and sending, the other 15 are reading back.
	eventually(t, "the progress counts what was read back", func() bool { return percent() > 88 })
	if n := percent(); n >= 98 {
		t.Errorf("%d%% when half was read back", n)
	}
	goOn()
	w.await(e, export.Ready)
}

// halfway passes requests on, but for readings of whole objects: of each it gives half, says so, and waits for the
// rest.
func halfway(t *testing.T, reached func(), release <-chan struct{}) http.HandlerFunc {
	t.Helper()
	target, err := url.Parse(localtest.S3(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodGet && r.StatusCode == http.StatusOK && r.ContentLength > 1<<20 {
			r.Body = &slowed{ReadCloser: r.Body, left: r.ContentLength / 2, reached: reached, release: release}
		}
		return nil
	}
	return proxy.ServeHTTP
}

// slowed is a body that stands still for a while.
type slowed struct {
	io.ReadCloser
	left    int64
	reached func()
	release <-chan struct{}
}

// Read implements io.Reader.
func (s *slowed) Read(p []byte) (int, error) {
	if s.left <= 0 {
		s.reached()
		<-s.release
	}
	n, err := s.ReadCloser.Read(p)
	s.left -= int64(n)
	return n, err
}

const chosen = "heron lantern quarry tuesday"

// lockedWith asks for everything, locked.
func (w *world) lockedWith(who migration.Who, password string) (export.Export, error) {
	return w.service.Request(w.Context(), who, w.prog, export.Selection{Locked: true, Password: export.Password(password)})
}

// unlocked opens a downloaded volume and returns what it proves within.
func (w *world) unlocked(who migration.Who, e export.Export, v export.Volume) archive.Report {
	w.Helper()
	body := w.fetchVolume(who, e, v.Number)
	sum := sha256.Sum256(body)
	box, ok := locked.Open(bytes.NewReader(body), int64(len(body)))
	if !ok || v.Size != int64(len(body)) || v.SHA256 != hex.EncodeToString(sum[:]) {
		w.Fatalf("volume %d is not locked, or not what the record says", v.Number)
	}
	if box.Name() != strings.Replace(export.FileName(w.prog.Key, "HZ-1", e, v.Number, len(e.Volumes)), "-locked", "", 1) {
		w.Errorf("the archive within is called %s", box.Name())
	}
	plain, err := box.Unlock(chosen)
	if err == nil {
		err = plain.Check(w.Context())
	}
	if err != nil {
		w.Fatal(err)
	}
	report, err := archive.Verify(w.Context(), plain, plain.Size(), archive.Expected{})
	if err != nil || !report.OK() {
		w.Fatalf("%v, %v", report.Problems, err)
	}
	if want := e.Receipt.Volumes[v.Number-1].Archive; want == nil || want.Size != report.Size || want.SHA256 != report.SHA256 {
		w.Errorf("the receipt says of the archive within: %+v", want)
	}
	report.Outer = &archive.InnerProof{Size: v.Size, SHA256: v.SHA256}
	return report
}

// TestP07_ALockedExportOpensWithItsPasswordOnly builds one and looks for the password in every table: it is in none,
// and its sealed form is gone once it has served.
func TestP07_ALockedExportOpensWithItsPasswordOnly(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 30)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	var lines bytes.Buffer
	w.config.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	e, err := w.lockedWith(owner, chosen)
	if err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM export_password WHERE sealed LIKE 'v1.%' AND sealed NOT LIKE '%heron%'`); n != 1 || e.Selection.Password != "" {
		t.Fatalf("%d sealed passwords; %#v", n, e.Selection)
	}
	worker := w.work(w.config, nil)
	e = w.await(e, export.Ready)
	report := w.unlocked(owner, e, e.Volumes[0])
	if n := w.count(`SELECT count(*) FROM export_password`); n != 0 {
		t.Errorf("%d passwords are kept", n)
	}
	if err := worker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	everywhere := `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'
		AND query_to_xml(format('SELECT * FROM %I', tablename), true, false, '')::text LIKE '%' || $1 || '%'`
	if n := w.count(everywhere, chosen); n != 0 || strings.Contains(lines.String(), chosen) {
		t.Errorf("%d tables or the log hold the password", n)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", export.Password(chosen), export.Password(chosen), export.Password(chosen), export.Password(chosen)); strings.Contains(text, "heron") {
		t.Errorf("it prints as %s", text)
	}
	if again := archive.Together([]archive.VolumeReport{{Name: "a", Report: report}}); len(e.Receipt.Disproves(again)) != 0 {
		t.Errorf("the receipt: %v", e.Receipt.Disproves(again))
	}
	report.Outer = nil // somebody has unpacked it
	if again := archive.Together([]archive.VolumeReport{{Name: "a", Report: report}}); len(e.Receipt.Disproves(again)) != 0 {
		t.Errorf("the receipt, of the archive within: %v", e.Receipt.Disproves(again))
	}
	report.SHA256 = strings.Repeat("0", 64)
	if again := archive.Together([]archive.VolumeReport{{Name: "a", Report: report}}); len(e.Receipt.Disproves(again)) != 1 {
		t.Error("the receipt takes another archive for the one within")
	}
}

// TestALockedExportInVolumes has each volume locked, by whichever worker builds it.
func TestALockedExportInVolumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newGiant(t))
	w.config = giant(w.config)
	w.prog = w.config.Programmes.(fixed).Programme
	owner, _ := w.customer("HZ-1")
	e, err := w.lockedWith(owner, chosen)
	if err != nil {
		t.Fatal(err)
	}
	w.work(w.config, nil)
	e = w.await(e, export.Ready)
	for _, v := range e.Volumes {
		w.unlocked(owner, e, v)
	}
	if len(e.Volumes) != slabs+1 {
		t.Errorf("%d volumes", len(e.Volumes))
	}
}

// TestPasswordsAreDestroyed covers the ends other than success, a worker without the key, and one of a release that
// knows no passwords.
func TestPasswordsAreDestroyed(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 1)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	kept := func() int { return w.count(`SELECT count(*) FROM export_password`) }
	for password, key := range map[string]string{"": "empty", "short": "short", "密码密码密码密码密码密码": "foreign", "Customer HZ-1 Customer": "guessable"} {
		_, err := w.lockedWith(owner, password)
		if f, ok := fault.As(err); !ok || len(f.Fields) != 1 || f.Fields[0].Name != "password" || f.Fields[0].Key != "export.password."+key {
			t.Errorf("%q: %v", password, err)
		}
	}
	e, err := w.lockedWith(owner, chosen)
	if err != nil || kept() != 1 {
		t.Fatalf("%d kept, %v", kept(), err)
	}
	if _, err := w.service.Cancel(t.Context(), owner, w.prog, e.ID); err != nil || kept() != 0 {
		t.Errorf("after a cancel %d are kept, %v", kept(), err)
	}

	if e, err = w.lockedWith(owner, chosen); err != nil {
		t.Fatal(err)
	}
	none := w.config
	none.Passwords, none.Retries = nil, 2
	worker := w.work(none, nil)
	e = w.await(e, export.Failed)
	if kept() != 1 || len(w.objects()) != 0 {
		t.Errorf("%d kept of an export that may be tried again; bucket %v", kept(), w.objects())
	}
	if err := worker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.Retry(t.Context(), owner, w.prog, e.ID); err != nil {
		t.Fatal(err)
	}
	// What an earlier release would do: seal a plain volume.
	_, err = w.database.Super(t).Exec(t.Context(), `UPDATE export_volume SET state = 'sealed', size = 1, sha256 = repeat('0', 64), receipt = '{}', sealed_at = now() WHERE export_id = $1`, e.ID)
	if err == nil || !strings.Contains(err.Error(), "is not locked") {
		t.Errorf("a plain volume is taken: %v", err)
	}
	worker = w.work(none, nil)
	e = w.await(e, export.Failed)
	if err := worker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.Set(w.clock.Now().Add(15 * 24 * time.Hour))
	if err := export.Sweep(t.Context(), w.config); err != nil || kept() != 0 {
		t.Errorf("two weeks later %d are kept, %v", kept(), err)
	}
	_, err = w.service.Retry(t.Context(), owner, w.prog, e.ID)
	wantIs(t, err, export.ErrPasswordGone)
}
