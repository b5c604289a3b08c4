package source

import (
	"fmt"
	"slices"
	"strconv"
)

// fileColumns finds the columns that name attachments; -1 where there is none.
func fileColumns(q Query, columns []Column) (key, size int, err error) {
	find := func(name string) int {
		if name == "" {
			return -1
		}
		i := slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
		if i < 0 && err == nil {
			err = &Error{Kind: Schema, Dataset: q.Dataset, Cause: fmt.Errorf("column %q, which names its attachments, is missing", name)}
		}
		return i
	}
	key, size = find(q.Files.Key), find(q.Files.Size)
	return key, size, err
}

// add accounts for one row.
func (w *Weight) add(values [][]byte, key, size int, lost bool) {
	w.Rows++
	if lost {
		return
	}
	for _, v := range values {
		w.Bytes += int64(len(v))
	}
	if key < 0 || values[key] == nil {
		return
	}
	w.Files++
	n := int64(unsized)
	if size >= 0 {
		if said, err := strconv.ParseInt(string(values[size]), 10, 64); err == nil {
			n = max(0, said)
		}
	}
	w.FileBytes += n
}
