package export

import (
	"fmt"

	"offramp/export/source"
)

const (
	// maxVolumes bounds the files of an export; beyond it they grow.
	maxVolumes = 2000
	// fillShare is how full a volume is planned: its size is an estimate.
	fillShare = 0.9
	// compressedRows is the assumed size of a row in an archive, as a share of its raw bytes, for each copy.
	compressedRows = 0.5
	// grains is how many shares a volume is put together from, so that it can be filled well.
	grains = 4
)

// layout is how an export's data is spread over its volumes.
type layout struct {
	target int64 // compressed bytes of a volume
	passes int64 // copies of each row
}

// compressed estimates what a share weighs in an archive.
func (l layout) compressed(w source.Weight) int64 {
	return int64(float64(w.Bytes)*compressedRows*float64(l.passes)) + w.FileBytes
}

// portion is a dataset's shares, for spread.
type portion struct {
	dataset string
	lane    bool
	shares  []source.Share
}

// plannedVolume is a volume before it has a row.
type plannedVolume struct {
	Pieces []piece
	Lane   bool
	weight int64
}

// spread fills volumes with the datasets' shares in order. Neighbouring shares of one dataset in one volume become one
// piece. What only one job can read does not share a volume with what any job can, so that others can help with the
// rest.
func (l layout) spread(portions []portion) ([]plannedVolume, error) {
	total := int64(0)
	for _, p := range portions {
		for _, s := range p.shares {
			total += l.compressed(s.Weight)
		}
	}
	target := max(l.target, total/(maxVolumes*8/10))
	var volumes []plannedVolume
	for _, lane := range []bool{false, true} {
		open := -1
		for _, p := range portions {
			if p.lane != lane {
				continue
			}
			for _, s := range p.shares {
				weight := l.compressed(s.Weight)
				if open < 0 || volumes[open].weight > 0 && volumes[open].weight+weight > target {
					open, volumes = len(volumes), append(volumes, plannedVolume{Lane: lane})
				}
				volumes[open].add(p.dataset, s, weight)
			}
		}
	}
	number(volumes)
	if len(volumes) > maxVolumes {
		return nil, fmt.Errorf("the export would have %d volumes; it may have %d", len(volumes), maxVolumes)
	}
	return volumes, nil
}

func (v *plannedVolume) add(dataset string, s source.Share, weight int64) {
	v.weight += weight
	if n := len(v.Pieces); n > 0 && v.Pieces[n-1].Dataset == dataset {
		last := &v.Pieces[n-1]
		last.Range.Before = s.Range.Before
		last.Rows, last.Bytes, last.Files, last.FileBytes = last.Rows+s.Rows, last.Bytes+s.Bytes, last.Files+s.Files, last.FileBytes+s.FileBytes
		return
	}
	v.Pieces = append(v.Pieces, piece{Dataset: dataset, Range: s.Range, Weight: s.Weight})
}

// number tells each piece which part of its dataset it is.
func number(volumes []plannedVolume) {
	parts := map[string]int{}
	for _, v := range volumes {
		for i := range v.Pieces {
			parts[v.Pieces[i].Dataset]++
			v.Pieces[i].Part = parts[v.Pieces[i].Dataset]
		}
	}
	for _, v := range volumes {
		for i := range v.Pieces {
			v.Pieces[i].Parts = parts[v.Pieces[i].Dataset]
		}
	}
}

// sumOf adds up what pieces weigh.
func sumOf(pieces []piece) (w source.Weight) {
	for _, p := range pieces {
		w.Rows, w.Bytes, w.Files, w.FileBytes = w.Rows+p.Rows, w.Bytes+p.Bytes, w.Files+p.Files, w.FileBytes+p.FileBytes
	}
	return w
}

// piece is a part of a volume: the rows of one dataset in one range, with their attachments. Part counts from 1; a
// dataset in one piece has Parts 1.
type piece struct {
	Dataset string       `json:"dataset"`
	Range   source.Range `json:"range"`
	Part    int          `json:"part"`
	Parts   int          `json:"parts"`
	source.Weight
}

// done is how far a volume is with one dataset.
type done struct {
	Dataset    string `json:"dataset"`
	Rows       int64  `json:"rows"`
	RowsTotal  int64  `json:"rows_total"`
	Files      int64  `json:"files"`
	FilesTotal int64  `json:"files_total"`
	Bytes      int64  `json:"bytes"`
	BytesTotal int64  `json:"bytes_total"`
}
