package archive

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	parquet "github.com/parquet-go/parquet-go/format"
)

// counter counts the rows that are written to it.
type counter interface {
	io.Writer
	// count returns the rows of a whole file; -1 when they cannot be told.
	count() int64
}

// newCounter returns nil for a format without rows.
func newCounter(format string) counter {
	switch format {
	case "csv":
		return &csvCounter{rows: -1} // the header row
	case "jsonl":
		return new(lineCounter)
	case "parquet":
		return new(footerCounter)
	}
	return nil
}

// csvCounter counts records of RFC 4180: line ends outside quotes. A doubled quote turns the state twice.
type csvCounter struct {
	rows   int64
	quoted bool
}

// Write implements io.Writer.
func (c *csvCounter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '"')
		part := rest
		if i >= 0 {
			part = rest[:i]
		}
		if !c.quoted {
			c.rows += int64(bytes.Count(part, []byte{'\n'}))
		}
		if i < 0 {
			break
		}
		c.quoted = !c.quoted
		rest = rest[i+1:]
	}
	return len(p), nil
}

func (c *csvCounter) count() int64 { return max(c.rows, 0) }

// lineCounter counts lines.
type lineCounter struct{ rows int64 }

// Write implements io.Writer.
func (c *lineCounter) Write(p []byte) (int, error) {
	c.rows += int64(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

func (c *lineCounter) count() int64 { return c.rows }

// maxFooter bounds what is kept of a Parquet file's end, which lists its row groups: 200 bytes for each and column.
const maxFooter = 32 << 20

// footerCounter reads how many rows a Parquet file has from its footer.
// Source: Apache Parquet, "File Format".
type footerCounter struct{ end []byte }

// Write implements io.Writer.
func (c *footerCounter) Write(p []byte) (int, error) {
	if len(c.end)+len(p) > 2*maxFooter {
		c.end = append(c.end[:0], c.end[max(0, len(c.end)-maxFooter):]...)
	}
	c.end = append(c.end, p...)
	return len(p), nil
}

func (c *footerCounter) count() (rows int64) {
	const tail = 8 // the footer's length and PAR1
	n := len(c.end) - tail
	if n < 0 || string(c.end[n+4:]) != "PAR1" {
		return -1
	}
	length := int64(binary.LittleEndian.Uint32(c.end[n:]))
	if length > int64(n) {
		return -1
	}
	defer func() {
		if recover() != nil { // a file of someone else's making
			rows = -1
		}
	}()
	var m parquet.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), c.end[int64(n)-length:n], &m); err != nil {
		return -1
	}
	for i := range m.RowGroups {
		rows += m.RowGroups[i].NumRows
	}
	if rows != m.NumRows {
		return -1
	}
	return rows
}
