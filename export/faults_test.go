package export_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/internal/db"
	"offramp/migration"
)

// TestE03_AFailingBucketIsBoundedTrouble answers every request to the bucket with a fault, then heals it.
func TestE03_AFailingBucketIsBoundedTrouble(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(code)
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"500": status(http.StatusInternalServerError), "503": status(http.StatusServiceUnavailable), "403": status(http.StatusForbidden),
		"hang": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, s3 := newWorld(t, p), newFaulty(t)
			owner, _ := w.customer("HZ-1")
			s3.fail(h)
			c := w.configOn(openBucket(t, s3.url, w.name, true))
			c.Backoff, c.Retries = []time.Duration{200 * time.Millisecond}, 1000
			e := w.request(owner)
			w.work(c, nil)
			eventually(t, "the customer reads that it is delayed", func() bool {
				e, err := w.service.Get(t.Context(), owner, e.ID)
				return err == nil && e.Delayed == "export.delayed_storage" && e.Cause == "" && e.Progress != nil && e.Progress.Delayed == e.Delayed
			})
			if got := w.read(e); !strings.Contains(got.Cause, "storage: put") || got.State == export.Ready {
				t.Errorf("support reads %q of a %s export", got.Cause, got.State)
			}
			s3.heal()
			w.await(e, export.Ready)
			w.proven(owner, e)
		})
	}
}

func TestE03_TheLastTryTellsTheCustomer(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	w, s3 := newWorld(t, p), newFaulty(t)
	owner, _ := w.customer("HZ-1")
	s3.fail(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	c := w.configOn(openBucket(t, s3.url, w.name, true))
	c.Retries = 2
	e := w.request(owner)
	w.work(c, nil)
	e = w.await(e, export.Failed)
	if e.Attempt != 2 || e.Failures != 2 || e.Cause == "" || w.step(owner) != migration.Problem || !slices.Contains(w.mails(), "export_failed") {
		t.Errorf("%+v, step %s, mails %v", e, w.step(owner), w.mails())
	}
	s3.heal()
	if _, err := w.service.RetryForStaff(t.Context(), "agent", e.ID); err != nil {
		t.Fatal(err)
	}
	if w.step(owner) != migration.InProgress {
		t.Errorf("step %s", w.step(owner))
	}
	w.await(e, export.Ready)
	w.proven(owner, e)
}

// TestE04_AResetInMidPart cuts the connection to the bucket while parts travel.
func TestE04_AResetInMidPart(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 14_000)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	network := localtest.Toxiproxy(t, strings.TrimPrefix(localtest.S3(t).Endpoint, "http://"))
	c := w.configOn(openBucket(t, "http://"+network.Address, w.name, true))
	e := w.request(owner)
	network.Add(localtest.Toxic{Name: "cut", Kind: "limit_data", Stream: "upstream", Attributes: map[string]any{"bytes": 3 << 20}})
	w.work(c, nil)
	eventually(t, "an attempt fails", func() bool { return w.read(e).Failures > 0 })
	network.Heal()
	w.await(e, export.Ready)
	w.proven(owner, e)
}

// TestE04_ABucketThatLies answers 200 for a body of which it keeps half.
func TestE04_ABucketThatLies(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	w, s3 := newWorld(t, p), newFaulty(t)
	owner, _ := w.customer("HZ-1")
	lied := make(chan struct{})
	var once sync.Once
	s3.fail(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		key := strings.TrimPrefix(r.URL.Path, "/"+w.name+"/")
		if _, err := w.bucket.Put(r.Context(), key, body[:len(body)/2], "application/zip"); err != nil {
			t.Error(err)
		}
		rw.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
		rw.WriteHeader(http.StatusOK)
		s3.heal()
		once.Do(func() { close(lied) })
	})
	c := w.configOn(openBucket(t, s3.url, w.name, true))
	e := w.request(owner)
	if err := export.Attempt(t.Context(), c, e, nil); err == nil {
		t.Fatal("half an archive was taken for a whole one")
	}
	<-lied
	got := w.read(e)
	if got.State != export.Queued || !strings.Contains(got.Cause, "the bucket has") || len(w.objects()) != 0 {
		t.Errorf("%s, %q, %v", got.State, got.Cause, w.objects())
	}
	if err := export.Attempt(t.Context(), c, e, nil); err != nil {
		t.Fatal(err)
	}
	w.proven(owner, e)
}

// TestE07_ALockedTableIsWaitedFor locks one table of the product; exports that do not need it go on meanwhile.
func TestE07_ALockedTableIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	p.fill(t, "HZ-2", 5)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	other, _ := w.customer("HZ-2")
	c := w.config
	c.Retries = 1000
	lock, err := p.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), `LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	e := w.request(owner)
	w.work(c, nil)
	eventually(t, "the customer reads that it is delayed", func() bool { return w.read(e).Delayed == "export.delayed_source" })
	if cause := w.read(e).Cause; !strings.Contains(cause, "tasks") || !strings.Contains(cause, "lock timeout") {
		t.Errorf("support reads %q", cause)
	}
	free, err := w.service.Request(t.Context(), other, w.prog, export.Selection{Datasets: []string{"projects", "files"}})
	if err != nil {
		t.Fatal(err)
	}
	w.await(free, export.Ready)
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.await(e, export.Ready)
	w.verified(owner, w.read(e))
}

// TestE08_AChangedColumnFailsLoudly changes the product under the declared columns.
func TestE08_AChangedColumnFailsLoudly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sql, want string }{
		{"dropped", `ALTER TABLE tasks DROP COLUMN due`, `column "due" does not exist`},
		{"retyped", `ALTER TABLE tasks ALTER COLUMN done TYPE text`, `column "done" is now text, declared as boolean`},
		{"table gone", `ALTER TABLE projects RENAME TO projekte`, `relation "projects" does not exist`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProduct(t)
			p.fill(t, "HZ-1", 5)
			w := newWorld(t, p)
			owner, _ := w.customer("HZ-1")
			if _, err := p.pool.Exec(t.Context(), c.sql); err != nil {
				t.Fatal(err)
			}
			problems := w.config.Sources.CheckProgramme(t.Context(), w.prog)
			if len(problems) != 1 || !strings.Contains(problems[0].Message, c.want) {
				t.Errorf("the check of the programme finds %v", problems)
			}
			e := w.request(owner)
			w.work(w.config, nil)
			e = w.await(e, export.Failed)
			if e.Attempt != 1 || !strings.Contains(e.Cause, c.want) || w.step(owner) != migration.Problem || len(w.objects()) != 0 {
				t.Errorf("attempt %d, cause %q, step %s, objects %v", e.Attempt, e.Cause, w.step(owner), w.objects())
			}
			// The others do not wait for it.
			var rest []string
			for _, d := range w.prog.Datasets {
				if d.Key != e.DelayedBy {
					rest = append(rest, d.Key)
				}
			}
			if len(rest) != len(w.prog.Datasets)-1 {
				t.Fatalf("the export waits for %q", e.DelayedBy)
			}
			others, err := w.service.Request(t.Context(), owner, w.prog, export.Selection{Datasets: rest, Formats: []string{export.CSV}})
			if err != nil {
				t.Fatal(err)
			}
			if others = w.await(others, export.Ready); others.DelayedBy != "" {
				t.Errorf("it is ready and waits for %q", others.DelayedBy)
			}
		})
	}
}

func TestCheckProgrammeFindsNothingWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newProduct(t))
	w.prog.Customers = &migration.Query{Source: "product", SQL: "SELECT DISTINCT customer AS ref FROM projects;"}
	if problems := w.config.Sources.CheckProgramme(t.Context(), w.prog); len(problems) != 0 {
		t.Errorf("%v", problems)
	}
	w.prog.Datasets[2].Files.Source = "elsewhere"
	w.prog.Customers.SQL = "SELECT nothing FROM projects"
	problems := w.config.Sources.CheckProgramme(t.Context(), w.prog)
	if len(problems) != 2 || !strings.Contains(problems[0].Message, "OFFRAMP_SOURCE_ELSEWHERE_URL") || problems[1].Path != "customers" {
		t.Errorf("%v", problems)
	}
	var refs []string
	w.product.fill(t, "HZ-1", 2)
	w.prog.Customers.SQL = "SELECT DISTINCT customer AS ref, NULL AS name FROM projects"
	err := w.config.Sources.QueryRows(t.Context(), *w.prog.Customers, func(columns []string, values []*string) error {
		refs = append(refs, fmt.Sprint(columns, *values[0], values[1] == nil))
		return nil
	})
	if err != nil || !slices.Equal(refs, []string{"[ref name]HZ-1true"}) {
		t.Errorf("%q, %v", refs, err)
	}
}

// TestE12_TheLoserOfTheFenceLeavesNothing overtakes an attempt that has everything but the seal.
func TestE12_TheLoserOfTheFenceLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 12_000)
	for _, point := range []string{"claimed", "reading tasks", "closed", "uploaded", "proven"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, p)
			owner, _ := w.customer("HZ-1")
			e := w.request(owner)
			slow := w.configOn(openBucket(t, localtest.S3(t).Endpoint, w.name, true))
			slow.Heartbeat = time.Hour // it learns of the fence at the seal only
			reached, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			go func() {
				done <- export.Attempt(context.WithoutCancel(t.Context()), slow, e, func(at string) {
					if at == point {
						close(reached)
						<-release
					}
				})
			}()
			<-reached
			if err := export.Attempt(t.Context(), w.config, e, nil); err != nil {
				t.Fatal(err)
			}
			winner := w.read(e)
			close(release)
			if err := <-done; err != nil {
				t.Errorf("the loser reports %v", err)
			}
			if got := w.read(e); got.Volumes[0].Key != winner.Volumes[0].Key || got.Attempt != 2 || got.SHA256 != winner.SHA256 {
				t.Errorf("the loser changed the export: %+v", got)
			}
			w.proven(owner, e)
		})
	}
}

// TestAHeartbeatLocksTheExportBeforeItsVolume does as a planner does who stores the volumes, while heartbeats go on: in another
// order they would wait for each other until the database broke one of them off, and with it the plan.
func TestAHeartbeatLocksTheExportBeforeItsVolume(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	e := w.request(owner)
	var planner error
	err := export.Attempt(t.Context(), w.config, e, func(point string) {
		if point != "closed" {
			return
		}
		planner = w.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
			if _, err := tx.Pgx.Exec(t.Context(), `SELECT FROM export WHERE id = $1 FOR UPDATE`, e.ID); err != nil {
				return err
			}
			eventually(t, "no beat waits for the export", func() (waits bool) {
				err := tx.Pgx.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid)`).Scan(&waits)
				return waits || err != nil
			})
			if _, err := tx.Pgx.Exec(t.Context(), `SET LOCAL lock_timeout = '500ms'`); err != nil {
				return err
			}
			_, err := tx.Pgx.Exec(t.Context(), `UPDATE export_volume SET pieces = pieces WHERE export_id = $1`, e.ID)
			return err
		})
	})
	if err != nil || planner != nil {
		t.Fatalf("the attempt: %v, the planner: %v", err, planner)
	}
	w.proven(owner, e)
}

// TestE12_OnlyTheLatestAttemptSeals lets an overtaken attempt come to its seal while the next one is still at work.
func TestE12_OnlyTheLatestAttemptSeals(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	e := w.request(owner)
	c := w.config
	c.Heartbeat = time.Hour
	pause := func(point string) (release func(), done chan error) {
		reached, going := make(chan struct{}), make(chan struct{})
		done = make(chan error, 1)
		go func() {
			done <- export.Attempt(context.WithoutCancel(t.Context()), c, e, func(at string) {
				if at == point {
					close(reached)
					<-going
				}
			})
		}()
		<-reached
		return func() { close(going) }, done
	}
	first, firstDone := pause("proven")
	second, secondDone := pause("reading tasks")
	first()
	if err := <-firstDone; err != nil {
		t.Error(err)
	}
	if got := w.read(e); got.State != export.Running || got.Attempt != 2 {
		t.Errorf("the first attempt left %s, attempt %d", got.State, got.Attempt)
	}
	second()
	if err := <-secondDone; err != nil {
		t.Error(err)
	}
	w.proven(owner, e)
}

// TestCancelStopsARunningExport cancels in mid-read and waits for the worker to notice.
func TestCancelStopsARunningExport(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 12_000)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	e := w.request(owner)
	var over atomic.Bool // the next export may go on
	noticed, stopped := make(chan struct{}), make(chan struct{})
	w.work(w.config, func(at string) {
		switch {
		case over.Load():
		case at == "reading tasks":
			if _, err := w.service.Cancel(context.WithoutCancel(t.Context()), owner, w.prog, e.ID); err != nil {
				t.Error(err)
			}
			<-noticed
		case at == "overtaken":
			close(noticed)
		case at == "closed":
			t.Error("the worker went on")
		case at == "discarded":
			close(stopped)
		}
	})
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Fatal("the worker did not notice")
	}
	if got := w.read(e); got.State != export.Cancelled || w.step(owner) != migration.NotStarted || len(w.objects()) != 0 {
		t.Errorf("%s, step %s, objects %v", got.State, w.step(owner), w.objects())
	}
	if _, err := w.service.Cancel(t.Context(), owner, w.prog, e.ID); err != nil {
		t.Errorf("cancelled again: %v", err)
	}
	over.Store(true)
	if again := w.request(owner); again.ID == e.ID {
		t.Error("a cancelled export was returned")
	}
}

// TestZ06_AWorkerSeesOneCustomerOnly runs an attempt under another customer's name.
func TestZ06_AWorkerSeesOneCustomerOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newProduct(t))
	owner, _ := w.customer("HZ-1")
	other, _ := w.customer("HZ-2")
	e := w.request(owner)
	e.CustomerID = other.CustomerID
	if err := export.Attempt(t.Context(), w.config, e, func(at string) { t.Errorf("reached %s", at) }); err != nil {
		t.Error(err)
	}
	err := w.db.InTx(t.Context(), db.NoScope(), func(tx *db.Tx) error {
		var n int
		err := tx.Pgx.QueryRow(t.Context(), `SELECT count(*) FROM export`).Scan(&n)
		if n != 0 {
			t.Errorf("%d exports without a scope", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
