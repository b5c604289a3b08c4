package archive

// Unconverted is what a reading gives in the place of a value that the source had, but not as its column's type. The row is then
// named in the receipt as not_converted, and no format has it. It is the very slice, not its text, that says so.
var Unconverted = []byte("unconverted")

// notConverted returns the place of the first value that is Unconverted, or -1.
func notConverted(values [][]byte) int {
	for i, v := range values {
		if len(v) == len(Unconverted) && &v[0] == &Unconverted[0] {
			return i
		}
	}
	return -1
}

// unconverted is the error of such a row.
func unconverted(columns []Column, values [][]byte) error {
	i := notConverted(values)
	if i < 0 {
		return nil
	}
	err := &rowError{reason: "not_converted"}
	if i < len(columns) {
		err.column = columns[i].Name
	}
	return err
}
