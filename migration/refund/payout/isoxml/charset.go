package isoxml

import (
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// charsets are the encodings, beside UTF-8, in which banks send XML. What says ISO-8859-1 is read as windows-1252, which has
// the same letters, and in the place of control characters the typographic ones that such files really hold.
var charsets = map[string]encoding.Encoding{
	"utf-8": encoding.Nop, "utf8": encoding.Nop, "us-ascii": encoding.Nop, "utf-16": encoding.Nop, // converted before, by its mark
	"iso-8859-1": charmap.Windows1252, "latin1": charmap.Windows1252, "windows-1252": charmap.Windows1252, "cp1252": charmap.Windows1252,
	"iso-8859-15": charmap.ISO8859_15,
	"gb2312":      simplifiedchinese.GB18030, "gbk": simplifiedchinese.GB18030, "gb18030": simplifiedchinese.GB18030,
}

// Charset reads what an XML declaration names. ErrEncoding.
func Charset(label string, r io.Reader) (io.Reader, error) {
	e, ok := charsets[strings.ToLower(strings.TrimSpace(label))]
	if !ok {
		return nil, ErrEncoding
	}
	return e.NewDecoder().Reader(r), nil
}
