package export

import (
	"offramp/export/source"
)

// piece is a part of a volume: the rows of one dataset in one range, with their attachments. Part counts from 1; a dataset
// in one piece has Parts 1.
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
