package export_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/storage"
	"offramp/internal/db"
	"offramp/migration"
)

func TestAnExportExpiresAfterAReminder(t *testing.T) {
	t.Parallel()
	w, owner, e := readyWorld(t, 5)
	sweep := func(at time.Time, mails ...string) {
		t.Helper()
		w.clock.Set(at)
		for range 2 { // as two workers might
			if err := export.Sweep(t.Context(), w.config); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.mails(); !slices.Equal(got, mails) {
			t.Errorf("mails %v, want %v", got, mails)
		}
	}
	end := *e.ExpiresAt
	sweep(end.Add(-24*time.Hour-time.Second), "export_ready")
	sweep(end.Add(-24*time.Hour), "export_ready", "export_expiring")
	sweep(end.Add(-time.Microsecond), "export_ready", "export_expiring")
	if w.read(e).State != export.Ready || w.step(owner) != migration.ActionNeeded {
		t.Errorf("before its end it is %s", w.read(e).State)
	}
	sweep(end, "export_ready", "export_expiring")
	if w.read(e).State != export.Expired || len(w.objects()) != 1 {
		t.Errorf("at its end it is %s, objects %v", w.read(e).State, w.objects())
	}
	sweep(end.Add(10*time.Minute), "export_ready", "export_expiring")
	if len(w.objects()) != 0 {
		t.Errorf("when the last link has run out there is %v", w.objects())
	}
	if next := w.request(owner); next.ID == e.ID {
		t.Error("an expired export was returned")
	}
}

// TestE17_OrphansAreSwept leaves objects and parts that nobody knows of, and one of an attempt that is over.
func TestE17_OrphansAreSwept(t *testing.T) {
	t.Parallel()
	w, owner, e := readyWorld(t, 5)
	unknown, half := storage.NewKey("exports/"), storage.NewKey("exports/")
	if _, err := w.bucket.Put(t.Context(), unknown, []byte("who am I"), "application/zip"); err != nil {
		t.Fatal(err)
	}
	if _, err := localtest.S3(t).Client().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &w.name, Key: &half}); err != nil {
		t.Fatal(err)
	}
	late := storage.NewKey("exports/")
	if _, err := w.bucket.Put(t.Context(), late, []byte("of an attempt that was overtaken"), "application/zip"); err != nil {
		t.Fatal(err)
	}
	err := w.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Gorm.Exec(`INSERT INTO export_object (key, export_id, customer_id, attempt, state, created_at) VALUES (?, ?, ?, 0, 'writing', ?)`,
			late, e.ID, e.CustomerID, tx.Now).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := export.SweepBucket(t.Context(), w.config, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if len(w.objects()) != 4 {
		t.Errorf("what is young was swept: %v", w.objects())
	}
	if err := export.SweepBucket(t.Context(), w.config, -time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := w.objects(); len(got) != 2 || slices.Contains(got, unknown) {
		t.Errorf("after the sweep of the bucket: %v", got)
	}
	if err := export.Sweep(t.Context(), w.config); err != nil {
		t.Fatal(err)
	}
	w.proven(owner, e)
}

func TestALiveExportWithoutAJobGetsOne(t *testing.T) {
	t.Parallel()
	p := newProduct(t)
	p.fill(t, "HZ-1", 5)
	w := newWorld(t, p)
	owner, _ := w.customer("HZ-1")
	e := w.request(owner)
	if _, err := w.db.Pool.Exec(t.Context(), `DELETE FROM river_job`); err != nil {
		t.Fatal(err)
	}
	w.work(w.config, nil)
	w.clock.Advance(2 * time.Minute)
	for range 2 {
		if err := export.Sweep(t.Context(), w.config); err != nil {
			t.Fatal(err)
		}
	}
	w.await(e, export.Ready)
	w.proven(owner, e)
}
