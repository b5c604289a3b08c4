package archive

// What a reading gives in the place of values that it cannot give. The row is then named in the receipt, and no format has it. It is
// the very slice, not its text, that says so.
var (
	Unconverted = []byte("unconverted") // the source had the value, but not as its column's type
	Unread      = []byte("unread")      // the source does not give the page that the row is on; in each value of the row
	UnreadRest  = []byte("unread rest") // the same of this row and of all behind it, however many there are
)

// marks are those places' reasons in the receipt.
var marks = []struct {
	place  []byte
	reason string
	row    bool // it is about the whole row
}{{Unconverted, "not_converted", false}, {Unread, "page_failed", true}, {UnreadRest, "rest_failed", true}}

// markOf returns which of marks a value is, or -1.
func markOf(v []byte) int {
	for i, m := range marks {
		if len(v) == len(m.place) && &v[0] == &m.place[0] {
			return i
		}
	}
	return -1
}

// Lost reports whether a row stands for one that the source did not give.
func Lost(values [][]byte) bool {
	i := -1
	if len(values) > 0 {
		i = markOf(values[0])
	}
	return i >= 0 && marks[i].row
}

// unconverted is the error of a row with such a value.
func unconverted(columns []Column, values [][]byte) error {
	for at, v := range values {
		i := markOf(v)
		if i < 0 {
			continue
		}
		err := &rowError{reason: marks[i].reason}
		if at < len(columns) && !marks[i].row {
			err.column = columns[at].Name
		}
		return err
	}
	return nil
}
