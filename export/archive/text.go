package archive

// AppendText appends a column's value, which is not NULL, as the CSV file has it, without quotes: true for t, an instant as
// ISO 8601 has it, base64 for bytes. It reports whether the value is one of its type.
func AppendText(dst []byte, columnType string, v []byte) (out []byte, ok bool) {
	switch classes[columnType] {
	case asBoolean:
		return appendBoolean(dst, v), true
	case asMoment:
		return appendMoment(dst, v), true
	case asBinary:
		return appendBinary(dst, v)
	}
	return append(dst, v...), true
}

// IsText reports whether AppendText leaves values of this type as they are.
func IsText(columnType string) bool {
	c := classes[columnType]
	return c != asBoolean && c != asMoment && c != asBinary
}
