package source

import (
	"fmt"
	"slices"
	"strconv"
)

const (
	// unsized is what an attachment of unknown size is taken for in estimates.
	unsized = 64 << 10
	// sampled rows give a dataset's width.
	sampled = 100
	// grains is how many cuts of a query are looked at for each share, so that shares can be filled well.
	grains = 8
)

// grain is where a query may be cut: before the row with this key, as ordered by the key.
type grain struct {
	key   string
	rows  int64 // before it
	files int64
	bytes int64 // of those files
}

// shares puts grains together, each share at most most bytes where it can. whole is the weight of all; the first grain
// is its begin.
func shares(cuts []grain, whole Weight, perRow, most int64) []Share {
	end := grain{rows: whole.Rows, files: whole.Files, bytes: whole.FileBytes}
	weight := func(from, to grain) int64 { return (to.rows-from.rows)*perRow + to.bytes - from.bytes }
	var list []Share
	begin := 0
	for i := 1; i <= len(cuts); i++ {
		next := end
		if i < len(cuts) {
			after := end
			if i+1 < len(cuts) {
				after = cuts[i+1]
			}
			if weight(cuts[begin], after) <= most {
				continue
			}
			next = cuts[i]
		}
		s := Share{Weight: Weight{Rows: next.rows - cuts[begin].rows, Files: next.files - cuts[begin].files, FileBytes: next.bytes - cuts[begin].bytes}}
		s.Bytes = s.Rows * perRow
		if begin > 0 {
			s.Range.From = &cuts[begin].key
		}
		if i < len(cuts) {
			s.Range.Before = &cuts[i].key
		}
		list = append(list, s)
		begin = i
	}
	return list
}

// unsorted is the error for a key that cannot cut a query.
func unsorted(q Query, without int64, twice *string) error {
	fault := fmt.Errorf("its row_key %q has %s rows without a value", q.Key, strconv.FormatInt(without, 10))
	if twice != nil {
		fault = fmt.Errorf("its row_key %q has a value twice", q.Key)
	}
	return &Error{Kind: Schema, Dataset: q.Dataset, Cause: fault}
}

// cutRow is a row of the statement that looks for cuts. The first ones are sums up to and with this row.
type cutRow struct {
	key                        *string
	rows, keyed, files, bytes  int64
	own, ownFiles              int64 // this row's attachments' bytes and number
	boundary, duplicate, final bool
}

// cutter collects what the statement that looks for cuts returns.
type cutter struct {
	cuts  []grain
	whole Weight
	keyed int64
	twice *string
}

func (c *cutter) add(r cutRow) {
	if r.duplicate && c.twice == nil {
		c.twice = r.key
	}
	if r.boundary && r.key != nil {
		c.cuts = append(c.cuts, grain{key: *r.key, rows: r.rows - 1, files: r.files - r.ownFiles, bytes: r.bytes - r.own})
	}
	if r.final {
		c.whole, c.keyed = Weight{Rows: r.rows, Files: r.files, FileBytes: r.bytes}, r.keyed
	}
}

// end makes the shares.
func (c *cutter) end(q Query, perRow, most int64) ([]Share, error) {
	if c.twice != nil || c.keyed < c.whole.Rows {
		return nil, unsorted(q, c.whole.Rows-c.keyed, c.twice)
	}
	if len(c.cuts) == 0 {
		return []Share{{}}, nil
	}
	return shares(c.cuts, c.whole, perRow, most), nil
}

// cutSQL is the statement that looks for cuts. rows is a query with the columns k, the key, and s, the bytes of the row's
// attachment or NULL; integer turns a sum into a whole number, div divides two of them.
//
// A cut is before each row with which the sum of weights passes another grain, and before and after each row that is heavier
// than one. Both sums begin at the row's own weight's begin, so light rows between two cuts weigh less than two grains. The rows are
// sorted once more at the end: MySQL 8 hands a dataset's own ORDER BY through to there.
func cutSQL(rows string, perRow, most int64, integer func(string) string, div func(a, b string) string) string {
	grain := strconv.FormatInt(max(most/(2*grains), 1), 10)
	weight := "(" + strconv.FormatInt(perRow, 10) + " + coalesce(s, 0))"
	bucket := func(at string) string { return div(at, grain) }
	return "select k, n, keyed, files, bytes, coalesce(s, 0), case when s is null then 0 else 1 end," +
		" case when before_k is null or w > " + grain + " or " + bucket("upto - w") + " <> " + bucket("upto - w - before_w") + " then 1 else 0 end," +
		" case when k = before_k then 1 else 0 end, case when after_n is null then 1 else 0 end" +
		" from (select k, s, " + weight + " as w," +
		" row_number() over p as n, count(k) over o as keyed, count(s) over o as files," +
		" " + integer("coalesce(sum(s) over o, 0)") + " as bytes, " + integer("sum("+weight+") over o") + " as upto," +
		" lag(" + weight + ") over p as before_w, lag(k) over p as before_k, lead(1) over p as after_n" +
		" from (" + rows + ") as weighed window o as (order by k rows unbounded preceding), p as (order by k)) as summed" +
		" where before_k is null or after_n is null or k = before_k or w > " + grain +
		" or " + bucket("upto - w") + " <> " + bucket("upto - w - before_w") +
		" order by n"
}

// FindFileColumns finds the columns that name attachments; -1 where there is none.
func FindFileColumns(q Query, columns []Column) (key, size int, err error) {
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

// Add accounts for one row.
func (w *Weight) Add(values [][]byte, key, size int, lost bool) {
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
