package export

import (
	"testing"
	"time"

	"offramp/export/source"
)

func TestALedgerCountsWhatWasReadOnce(t *testing.T) {
	t.Parallel()
	l := newLedger()
	pieces := []piece{
		{Dataset: "tasks", Weight: source.Weight{Rows: 1000, Bytes: 100_000, Files: 2, FileBytes: 100_000}},
		{Dataset: "notes", Weight: source.Weight{Rows: 10, Bytes: 100}},
	}
	l.expect(pieces, 2)
	l.enter(StageReading)
	l.rows("tasks", 500) // of the first pass
	if stage, list, all := l.counts(); stage != StageReading || list[0].Rows != 250 || list[0].Bytes != 50_000 || all.BytesTotal != 300_200 || all.RowsTotal != 1010 {
		t.Errorf("reading: %+v, %+v", list, all)
	}
	l.allRows("tasks") // however often it was read
	l.rows("notes", 7)
	l.file("tasks", 500_000) // more than the rows said
	if _, list, _ := l.counts(); list[0].Rows != 1000 || list[0].Bytes != list[0].BytesTotal || list[0].Files != 1 || list[1].Rows != 3 {
		t.Errorf("files: %+v", list)
	}
	l.all()
	if stage, _, all := l.counts(); stage != StageChecking || all.Bytes != all.BytesTotal || all.Rows != all.RowsTotal {
		t.Errorf("checking: %s, %+v", stage, all)
	}
}

func TestTheForecastConverges(t *testing.T) {
	t.Parallel()
	const total, rate = 600_000, 1000 // ten minutes
	var f forecast
	at, done := noon, int64(0)
	worst := map[int]float64{} // error by tenth of the way
	for i := 1; done < total; i++ {
		at = at.Add(time.Second)
		done += rate
		if i%7 == 0 { // bursts and pauses: the same rate on average
			done += rate
		}
		if i%7 == 3 {
			done -= rate
		}
		percent, left := f.update(at, StageReading, min(done, total), total)
		real := time.Duration(float64(total-done) / rate * float64(time.Second))
		if done >= total {
			break
		}
		if at.Sub(noon) <= steadyFrom && left != 0 {
			t.Fatalf("an estimate after %v: %v", at.Sub(noon), left)
		}
		if percent != int(100*done/total) {
			t.Fatalf("%d%% at %d", percent, done)
		}
		if left > 0 {
			tenth := int(10 * done / total)
			worst[tenth] = max(worst[tenth], (left - real).Abs().Seconds())
		}
	}
	if worst[8] > worst[0] || worst[8] > 20 || worst[3] > 60 {
		t.Errorf("the error does not shrink: %v", worst)
	}
}

// TestTheForecastCountsTheProof builds for ten minutes and reads back as long as was thought, half as long, and three
// times as long: there is an estimate until the end, and it comes right.
func TestTheForecastCountsTheProof(t *testing.T) {
	t.Parallel()
	const raw, packed, rate = 600_000, 250_000, 1000
	for _, proof := range []int64{45, 90, 270} { // seconds
		l := newLedger()
		l.expect([]piece{{Dataset: "tasks", Weight: source.Weight{Rows: raw / 100, Bytes: raw}}}, 1)
		var f forecast
		at, end := noon, raw/rate+proof
		look := func(second int64) (int, time.Duration) {
			at = noon.Add(time.Duration(second) * time.Second)
			stage, _, all := l.counts()
			return f.update(at, stage, all.Bytes+l.proof(), all.BytesTotal+proofOf(all.BytesTotal))
		}
		l.enter(StageReading)
		before, share := 0, int64(0)
		for second := int64(1); second < end; second++ {
			switch {
			case second < raw/rate:
				l.rows("tasks", rate/100)
			case second == raw/rate:
				l.all()
				l.checks(packed)
			default:
				now := packed * (second - raw/rate) / proof
				l.readBack(now - share)
				share = now
			}
			percent, left := look(second)
			if percent < before || percent > almost {
				t.Fatalf("%d%% after %d%%", percent, before)
			}
			before = percent
			wrong := (left - time.Duration(end-second)*time.Second).Abs()
			switch {
			case second > 5 && left == 0:
				t.Fatalf("nothing is said %d s before the end", end-second)
			case proof == 90 && second > 60 && wrong > 10*time.Second:
				t.Fatalf("%v is said %d s before the end", left, end-second)
			case second > end-proof/4 && wrong > time.Duration(proof/4)*time.Second:
				t.Fatalf("proof of %d s: %v is said %d s before the end", proof, left, end-second)
			}
		}
		if before < 97 {
			t.Errorf("it ends at %d%%", before)
		}
	}
}

func TestTheForecastNeverLeaps(t *testing.T) {
	t.Parallel()
	var f forecast
	at, done, before := noon, int64(0), time.Duration(0)
	for i := range 300 {
		at = at.Add(time.Second)
		switch {
		case i < 100:
			done += 1000
		case i < 130: // the source stands still
		default:
			done += 5000
		}
		_, left := f.update(at, StageReading, done, 2_000_000)
		if before > 2*time.Second && left > 0 && (left > 2*before+time.Second || left < before/2-2*time.Second) {
			t.Fatalf("after %d s from %v to %v", i, before, left)
		}
		before = left
	}
	if percent, left := f.update(at, StageChecking, 2_000_000, 2_000_000); percent != almost || left != 0 {
		t.Errorf("all is done: %d%%, %v", percent, left)
	}
	if percent, _ := f.update(at.Add(time.Second), StageReading, 10, 2_000_000); percent != almost {
		t.Errorf("the percentage went back to %d", percent)
	}
}
