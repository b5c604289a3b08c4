package outline

import (
	"context"
	"math"
	"slices"
	"time"

	"offramp/export"
	"offramp/migration"
)

// Pace is how fast exports have been lately.
type Pace struct {
	Rate int64         // raw bytes a second of an export, the median; 0: not known
	Wait time.Duration // from the request to the start
}

// Estimate is what an export will roughly come to.
type Estimate struct {
	Rows, Files int64
	Bytes       int64         // raw, as the source holds them
	Packed      int64         // of all archive files together, a guess
	Volumes     int           // archive files
	Duration    time.Duration // from the request until it can be downloaded
	AtMost      bool          // filters, a period or "changes since" make it less
	Partial     bool          // some dataset's size is not known and not in it
}

const (
	// paceFrom is the size of exports whose rate counts: small ones are all overhead.
	paceFrom = 16 << 20
	// usualRate and usualStart are what an estimate takes where nothing is known: bytes a second, and what each export
	// takes for itself.
	usualRate  = 25 << 20
	usualStart = 3 * time.Second
)

// Bytes of a packed copy for each raw byte of rows, by copy. Attachments are taken as they are.
const (
	packedText    = 0.30
	packedParquet = 0.25
	packedBrowse  = 0.35
)

// EstimateOf says what an export of sel will come to.
func EstimateOf(o Outline, p *migration.Programme, sel export.Selection, pace Pace) Estimate {
	e := Estimate{AtMost: len(sel.Filters) > 0 || !sel.From.IsZero() || !sel.Until.IsZero() || sel.Since != "" || sel.Repair != ""}
	var text, files int64
	for _, d := range p.Datasets {
		if len(sel.Datasets) > 0 && !slices.Contains(sel.Datasets, d.Key) {
			continue
		}
		w, ok := o.Dataset(d.Key)
		if !ok {
			e.Partial = true
			continue
		}
		e.Rows, e.Files = e.Rows+w.Rows, e.Files+w.Files
		text, files = text+w.Bytes, files+w.FileBytes
	}
	e.Bytes = text + files
	e.Packed = int64(float64(text)*packedShare(sel)) + files
	size := sel.VolumeSize
	if size <= 0 {
		size = export.DefaultVolumeSize
	}
	e.Volumes = max(1, int(math.Ceil(float64(e.Packed)/float64(int64(size)<<30))))
	rate := pace.Rate
	if rate <= 0 {
		rate = usualRate
	}
	e.Duration = usualStart + pace.Wait + time.Duration(float64(e.Bytes)/float64(rate)*float64(time.Second))
	return e
}

// packedShare is what all copies of a row's bytes come to.
func packedShare(sel export.Selection) (share float64) {
	for _, f := range sel.Formats {
		if f == export.Parquet {
			share += packedParquet
		} else {
			share += packedText
		}
	}
	if sel.Spreadsheet {
		share += packedText
	}
	if sel.Browse {
		share += packedBrowse
	}
	return share
}

// Estimate says what an export of sel will come to, by the customer's outline and the pace of late.
func (s *Service) Estimate(ctx context.Context, o Outline, p *migration.Programme, sel export.Selection) (Estimate, error) {
	pace, err := s.store.pace(ctx)
	if err != nil {
		return Estimate{}, err
	}
	return EstimateOf(o, p, sel, pace), nil
}
