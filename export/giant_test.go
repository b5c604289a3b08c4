package export_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/export"
	"offramp/export/archive"
	"offramp/internal/db"
	"offramp/migration"
)

// slabs are the datasets of a giant: each fills a volume of its own.
const slabs = 6

// giant makes exports of a few megabytes large ones, in volumes of a megabyte or two.
func giant(c export.Config) export.Config {
	p := *programme()
	p.Datasets = p.Datasets[1:]
	for i := range slabs {
		key := fmt.Sprintf("slab%d", i)
		p.Datasets = append(p.Datasets, migration.Dataset{
			Key: key, Name: migration.Text{"en": key, "zh-CN": key},
			Query: migration.Query{Source: "product", SQL: fmt.Sprintf("SELECT id, name FROM projects WHERE customer = :customer_id AND id %% %d = %d ORDER BY id", slabs, i)},
		})
	}
	c.Programmes, c.Large, c.Unit = fixed{&p}, 1<<20, 1<<20
	return c
}

// giantWorld is a world with a customer whose export has slabs+1 volumes.
func giantWorld(t *testing.T, p *product) (*world, migration.Who, export.Export) {
	t.Helper()
	w := newWorld(t, p)
	w.config = giant(w.config)
	w.prog = w.config.Programmes.(fixed).Programme
	owner, _ := w.customer("HZ-1")
	return w, owner, w.request(owner)
}

// whole holds what the portal promises of an export in several volumes: each is byte for byte what the record and the
// combined receipt say, all show one instant, together they hold every row once, and the bucket holds nothing else.
func (w *world) whole(who migration.Who, e export.Export, rows int64) {
	w.Helper()
	e = w.read(e)
	if e.State != export.Ready || len(e.Volumes) != slabs+1 || e.Receipt == nil || !e.Receipt.Complete {
		w.Fatalf("%s with %d volumes, receipt %+v", e.State, len(e.Volumes), e.Receipt)
	}
	var keys []string
	var size, got int64
	for i, v := range e.Volumes {
		body := w.fetchVolume(who, e, v.Number)
		report, err := archive.Verify(w.Context(), bytes.NewReader(body), int64(len(body)), archive.Expected{Size: v.Size, SHA256: v.SHA256})
		if err != nil || !report.OK() {
			w.Errorf("volume %d: %v, %v", v.Number, report.Problems, err)
		}
		m := report.Manifest
		if m.Volume != v.Number || m.Volumes != len(e.Volumes) || !m.AsOf.Equal(*e.AsOf) || m.Export != e.Reference() {
			w.Errorf("volume %d calls itself %d of %d, as of %v; the export is of %v", v.Number, m.Volume, m.Volumes, m.AsOf, e.AsOf)
		}
		for _, c := range report.Receipt.Datasets {
			got += c.Exported
		}
		if p := e.Receipt.Volumes[i]; p.Number != v.Number || p.Size != v.Size || p.SHA256 != v.SHA256 {
			w.Errorf("the receipt says %+v of volume %+v", p, v)
		}
		keys, size = append(keys, v.Key), size+v.Size
	}
	if got != rows || size != e.ObjectSize {
		w.Errorf("%d rows of %d, %d bytes of %d", got, rows, size, e.ObjectSize)
	}
	slices.Sort(keys)
	if objects := w.objects(); !slices.Equal(objects, keys) {
		w.Errorf("the bucket holds %q, want %q", objects, keys)
	}
}

func (w *world) fetchVolume(who migration.Who, e export.Export, number int) []byte {
	w.Helper()
	link, err := w.service.Link(w.Context(), who, w.prog, e.ID, number)
	if err != nil {
		w.Fatal(err)
	}
	res := fetch(w.T, link, "")
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		w.Fatalf("download: %s, %v", res.Status, err)
	}
	return body
}

// tries are how often each volume was begun, in order.
func (w *world) tries(e export.Export) (all []int) {
	w.Helper()
	for _, v := range w.read(e).Volumes {
		all = append(all, v.Tries)
	}
	return all
}

func (w *world) builders(e export.Export) (n int) {
	w.Helper()
	err := w.db.InTx(w.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(w.Context(), `SELECT count(DISTINCT builder) FROM export_volume WHERE export_id = $1`, e.ID).Scan(&n)
	})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

const giantProjects = 12_000

func newGiant(t *testing.T) *product {
	t.Helper()
	p := newProduct(t)
	p.fill(t, "HZ-1", giantProjects)
	return p
}

// TestE11_WritersDuringALargeExport changes every table over and over while two workers build volumes.
func TestE11_WritersDuringALargeExport(t *testing.T) {
	t.Parallel()
	p := newGiant(t)
	w, owner, e := giantWorld(t, p)
	stop, stopped := make(chan struct{}), make(chan int, 1)
	planned := make(chan struct{})
	var once sync.Once
	go func() {
		<-planned
		n := 0
		for {
			select {
			case <-stop:
				stopped <- n
				return
			default:
			}
			n++
			_, err := p.pool.Exec(t.Context(), `WITH d AS (DELETE FROM projects WHERE customer = 'HZ-1' AND id % 7 = $1 % 7 RETURNING 1),
				u AS (UPDATE tasks SET title = 'rewritten ' || $1 WHERE customer = 'HZ-1')
				INSERT INTO projects SELECT 1000000 + $1 * 100 + i, 'HZ-1', 'too late', now() FROM generate_series(1, 50) i`, n)
			if t.Context().Err() != nil {
				return
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	at := func(point string) {
		if point == "planned" {
			once.Do(func() { close(planned) })
		}
	}
	// Each worker stays in its first volume until the other has one, so that both take part.
	var there atomic.Int64
	both := make(chan struct{})
	meet := func() func(string) {
		var first sync.Once
		return func(point string) {
			at(point)
			if strings.HasPrefix(point, "reading slab") {
				first.Do(func() {
					if there.Add(1) == 2 {
						close(both)
					}
					arrives(t, both, "the other worker's first volume")
				})
			}
		}
	}
	w.work(w.config, meet())
	c := giant(w.configOn(w.bucket))
	w.work(c, meet())
	e = w.await(e, export.Ready)
	close(stop)
	if n := <-stopped; n == 0 {
		t.Error("nobody wrote")
	}
	if n := w.builders(e); n < 2 {
		t.Errorf("%d jobs built volumes", n)
	}
	for i, n := range w.tries(e) {
		if n != 1 {
			t.Errorf("volume %d was begun %d times", i+1, n)
		}
	}
	w.whole(owner, e, giantProjects+12)
	for _, v := range e.Volumes {
		if body := w.fetchVolume(owner, e, v.Number); bytes.Contains(body, []byte("too late")) {
			t.Errorf("volume %d shows a later instant", v.Number)
		}
	}
}

// arrives waits for a signal within the tests' patience.
func arrives(t *testing.T, signal <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		t.Errorf("timed out: %s", what)
	}
}

// kill ends a worker process as the machine would.
func kill(t *testing.T, victims ...*exec.Cmd) {
	t.Helper()
	for _, v := range victims {
		if err := v.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = v.Wait()
	}
}

// TestE01_ADeadWorkerCostsItsVolumeOnly kills one of two workers that build volumes of one export, while the other
// lives.
func TestE01_ADeadWorkerCostsItsVolumeOnly(t *testing.T) {
	t.Parallel()
	p := newGiant(t)
	for _, who := range []string{"leader", "helper"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			w, owner, e := giantWorld(t, p)
			hold, inWork := make(chan struct{}), make(chan struct{}, 1)
			survivor := func(point string) {
				if strings.HasPrefix(point, "reading slab") {
					select {
					case inWork <- struct{}{}:
					default:
					}
					<-hold
				}
			}
			var victim *exec.Cmd
			start := func() {
				// It hands the export over as a worker of small ones, and then leads, or helps.
				cmd, out := w.process(order{Wait: "closed", Drain: time.Second, Giant: true})
				for out.Scan() && out.Text() != "waiting" {
				}
				go func() {
					for out.Scan() {
					}
				}()
				victim = cmd
			}
			if who == "leader" {
				start()
				w.work(w.config, survivor)
				arrives(t, inWork, "the survivor's first volume")
			} else {
				w.work(w.config, survivor)
				arrives(t, inWork, "the survivor's first volume")
				start()
			}
			kill(t, victim)
			close(hold)
			var rejoined atomic.Bool
			third := giant(w.configOn(w.bucket))
			w.work(third, func(point string) { rejoined.Store(rejoined.Load() || point == "rejoined") })
			e = w.await(e, export.Ready)
			again := 0
			for _, n := range w.tries(e) {
				again += n - 1
			}
			if again != 1 || e.Attempt != w.attempts() {
				t.Errorf("tries %v, attempt %d", w.tries(e), e.Attempt)
			}
			w.whole(owner, e, giantProjects+12)
		})
	}
}

// attempts is how many attempts an export takes that is handed over once and built at the first go.
func (w *world) attempts() int { return 2 }

// TestE01_ADeadWorkerOfALargeExport kills the only worker at each point: nobody holds the snapshot any more, and a new
// attempt begins with a new one.
func TestE01_ADeadWorkerOfALargeExport(t *testing.T) {
	t.Parallel()
	p := newGiant(t)
	for point, attempt := range map[string]int{
		"handing over": 2, "planned": 3, "closed": 3, "uploaded": 3, "proven": 3, "sealing": 3, "sealed": 3, "picked": 3,
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w, owner, e := giantWorld(t, p)
			victim, out := w.process(order{Kill: point, Drain: time.Second, Giant: true})
			for out.Scan() {
			}
			if err := victim.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Fatalf("the worker was not killed at %q: %v", point, err)
			}
			w.work(w.config, nil)
			w.work(giant(w.configOn(w.bucket)), nil)
			e = w.await(e, export.Ready)
			if point == "handing over" {
				attempt++ // the first attempt's hand-over was undone
			}
			// A machine under load may take a live worker for dead, which costs an attempt.
			if e.Attempt < attempt || e.Attempt > attempt+1 || e.Failures != 0 {
				t.Errorf("attempt %d, failures %d", e.Attempt, e.Failures)
			}
			if err := export.Sweep(t.Context(), w.config); err != nil {
				t.Fatal(err)
			}
			w.whole(owner, e, giantProjects+12)
		})
	}
}

// TestE01_BothWorkersOfALargeExportDie kills both in mid-volume.
func TestE01_BothWorkersOfALargeExportDie(t *testing.T) {
	t.Parallel()
	w, owner, e := giantWorld(t, newGiant(t))
	var victims []*exec.Cmd
	for range 2 {
		cmd, out := w.process(order{Wait: "closed", Drain: time.Second, Giant: true})
		for out.Scan() && out.Text() != "waiting" {
		}
		victims = append(victims, cmd)
	}
	kill(t, victims...)
	w.work(w.config, nil)
	e = w.await(e, export.Ready)
	// A machine under load may take a live worker for dead, which costs an attempt.
	if least := w.attempts() + 1; e.Attempt < least || e.Attempt > least+1 || e.Failures != 0 {
		t.Errorf("attempt %d after %d, failures %d, cause %q", e.Attempt, least-1, e.Failures, e.Cause)
	}
	if err := export.Sweep(t.Context(), w.config); err != nil {
		t.Fatal(err)
	}
	w.whole(owner, e, giantProjects+12)
}

// TestE12_AVolumeThatWasTakenOver gives a volume to another job while its first builder has everything but the seal:
// the first one loses to the second, which is still at work.
func TestE12_AVolumeThatWasTakenOver(t *testing.T) {
	t.Parallel()
	w, owner, e := giantWorld(t, newGiant(t))
	slow := giant(w.configOn(w.bucket))
	slow.Heartbeat = time.Hour // it learns of the fence at the seal only
	reached, release, discarded := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var proven, gone sync.Once
	w.work(slow, func(point string) {
		switch point {
		case "proven":
			proven.Do(func() { close(reached); <-release })
		case "discarded":
			gone.Do(func() { close(discarded) })
		case "picked":
			if got := w.read(e); got.Volumes[0].Tries == 1 {
				t.Error("the loser went on as if it had won")
			}
		}
	})
	<-reached
	// Its job no longer runs, as after a lost lock; the volume is free for whoever looks.
	if _, err := w.db.Pool.Exec(t.Context(), `UPDATE river_job SET state = 'cancelled', finalized_at = now() WHERE kind = 'export' AND state = 'running'`); err != nil {
		t.Fatal(err)
	}
	taken, goOn := make(chan struct{}), make(chan struct{})
	var first sync.Once
	w.work(w.config, func(point string) {
		if point == "picked" {
			first.Do(func() { close(taken); <-goOn })
		}
	})
	<-taken
	close(release)
	arrives(t, discarded, "the end of the loser's object")
	if got := w.read(e).Volumes[0]; got.State != export.VolumeBuilding || got.Tries != 2 {
		t.Errorf("after the loser's seal the volume is %+v", got)
	}
	close(goOn)
	e = w.await(e, export.Ready)
	eventually(t, "only the winners' objects are left", func() bool { return len(w.objects()) == slabs+1 })
	w.whole(owner, e, giantProjects+12)
}

// TestE19_AGiantHoldsUpNobody keeps a giant's volume in work while small exports come and go.
func TestE19_AGiantHoldsUpNobody(t *testing.T) {
	t.Parallel()
	const others = 40
	p := newGiant(t)
	w, owner, e := giantWorld(t, p)
	small := make([]migration.Who, others)
	for i := range small {
		ref := fmt.Sprintf("HZ-%d", i+2)
		p.fill(t, ref, 3)
		small[i], _ = w.customer(ref)
	}
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.work(w.config, func(point string) {
		if point == "picked" { // the second volume, in the queue of large ones
			once.Do(func() { close(reached) })
			<-release
		}
	})
	<-reached
	exports := make([]export.Export, others)
	for i, who := range small {
		exports[i] = w.request(who)
	}
	for i := range exports {
		w.await(exports[i], export.Ready)
	}
	got := w.read(e)
	if got.State != export.Running || got.Volumes[0].State != export.VolumeSealed || got.Volumes[2].State != export.VolumeWaiting {
		t.Errorf("the giant is %s: %+v", got.State, got.Volumes)
	}
	if len(got.Datasets) == 0 || got.Datasets[0].RowsTotal == 0 {
		t.Errorf("its progress: %+v", got.Datasets)
	}
	// The customer of the giant cannot have another one beside it.
	if again := w.request(owner); again.ID != e.ID {
		t.Error("a second export beside the giant")
	}
	close(release)
	w.await(e, export.Ready)
}

// TestE17_VolumesOfAnAttemptThatIsOver leaves volumes of a cancelled export, and one of a try that was overtaken.
func TestE17_VolumesOfAnAttemptThatIsOver(t *testing.T) {
	t.Parallel()
	w, owner, e := giantWorld(t, newGiant(t))
	reached, release := make(chan struct{}), make(chan struct{})
	var picked atomic.Int64
	w.work(w.config, func(point string) {
		if point == "picked" && picked.Add(1) == 3 {
			close(reached)
			<-release
		}
	})
	<-reached
	if n := len(w.objects()); n < 3 {
		t.Errorf("%d objects in mid-work", n)
	}
	if _, err := w.service.Cancel(t.Context(), owner, w.prog, e.ID); err != nil {
		t.Fatal(err)
	}
	close(release)
	eventually(t, "nothing is left of the cancelled export", func() bool {
		if err := export.Sweep(t.Context(), w.config); err != nil {
			t.Error(err)
		}
		return len(w.objects()) == 0
	})
	if got := w.read(e); got.State != export.Cancelled {
		t.Errorf("it is %s", got.State)
	}
}

// TestASmallExportIsCountedWhileItIsBuilt: large ones wait for it between their pieces.
func TestASmallExportIsCountedWhileItIsBuilt(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	during, after, err := export.SmallOnes(t.Context(), w.config, w.request(owner))
	if err != nil || len(during) == 0 || slices.Min(during) != 1 || slices.Max(during) != 1 || after != 0 {
		t.Errorf("a small one: %v while it is built, %d after, %v", during, after, err)
	}
}
