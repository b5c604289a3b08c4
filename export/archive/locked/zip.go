package locked

import (
	"encoding/binary"
	"time"
)

// The numbers of the formats.
const (
	signHeader     = 0x04034b50
	signDescriptor = 0x08074b50
	signRecord     = 0x02014b50
	signEnd64      = 0x06064b50
	signLocator    = 0x07064b50
	signEnd        = 0x06054b50

	method  = 99               // AES; the true one is in the extra field
	flags   = 1 | 1<<3 | 1<<11 // encrypted, sizes follow the data, the name is UTF-8
	version = 51               // of a reader that knows AES
	unix    = 3 << 8
	mode    = 0o100644 << 16

	extraAES   = 0x9901
	ae2        = 2
	strength   = 3 // AES-256
	deflate    = 8
	extraZip64 = 1

	max32 = 1<<32 - 1

	blockSize = 1<<16 - 1 // of Deflate's stored blocks
	blockHead = 5
)

// entry is all that the outer archive says about its one file.
type entry struct {
	name string
	time time.Time
	wide bool  // eight-byte sizes are announced in the header
	size int64 // of the file
}

// framed is the length of the file in stored blocks.
func framed(size int64) int64 {
	return size + blockHead*max((size+blockSize-1)/blockSize, 1)
}

// stored is the length of what lies between header and descriptor.
func (e entry) stored() int64 { return saltSize + checkSize + framed(e.size) + macSize }

func (e entry) long() bool { return e.wide || e.size >= max32 || e.stored() >= max32 }

func (e entry) aes(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, extraAES)
	b = le.AppendUint16(b, 7)
	b = le.AppendUint16(b, ae2)
	b = append(b, 'A', 'E', strength)
	return le.AppendUint16(b, deflate)
}

// common are the fields that header and record share, from the version on.
func (e entry) common(b []byte, size, stored uint32, extra int) []byte {
	le := binary.LittleEndian
	date, clock := dosTime(e.time)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, flags)
	b = le.AppendUint16(b, method)
	b = le.AppendUint16(b, clock)
	b = le.AppendUint16(b, date)
	b = le.AppendUint32(b, 0) // AE-2 has no checksum: it would tell of a small file what it holds
	b = le.AppendUint32(b, stored)
	b = le.AppendUint32(b, size)
	b = le.AppendUint16(b, uint16(len(e.name)))
	return le.AppendUint16(b, uint16(extra))
}

// header is the local file header.
func (e entry) header() []byte {
	le := binary.LittleEndian
	var extra []byte
	size := uint32(0)
	if e.wide {
		size = max32
		extra = le.AppendUint16(extra, extraZip64)
		extra = le.AppendUint16(extra, 16)
		extra = append(extra, make([]byte, 16)...)
	}
	extra = e.aes(extra)
	b := e.common(le.AppendUint32(nil, signHeader), size, size, len(extra))
	b = append(b, e.name...)
	return append(b, extra...)
}

// ending is everything behind the data: descriptor, directory and end.
func (e entry) ending() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, signDescriptor)
	b = le.AppendUint32(b, 0)
	if e.long() {
		b = le.AppendUint64(b, uint64(e.stored()))
		b = le.AppendUint64(b, uint64(e.size))
	} else {
		b = le.AppendUint32(b, uint32(e.stored()))
		b = le.AppendUint32(b, uint32(e.size))
	}
	from := int64(len(e.header())) + e.stored() + int64(len(b))
	record := e.record()
	b = append(b, record...)
	at, length := uint64(from), uint64(len(record))
	if at >= max32 {
		b = le.AppendUint32(b, signEnd64)
		b = le.AppendUint64(b, 44) // what is left of this record
		b = le.AppendUint16(b, unix|version)
		b = le.AppendUint16(b, version)
		b = le.AppendUint64(b, 0) // disks
		b = le.AppendUint64(b, 1)
		b = le.AppendUint64(b, 1)
		b = le.AppendUint64(b, length)
		b = le.AppendUint64(b, at)
		b = le.AppendUint32(b, signLocator)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, at+length)
		b = le.AppendUint32(b, 1)
	}
	b = le.AppendUint32(b, signEnd)
	b = le.AppendUint32(b, 0) // disks
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, uint32(length))
	b = le.AppendUint32(b, uint32(min(at, max32)))
	return le.AppendUint16(b, 0)
}

// record is the file's record in the directory.
func (e entry) record() []byte {
	le := binary.LittleEndian
	var extra []byte
	size, stored := uint32(min(e.size, max32)), uint32(min(e.stored(), max32))
	if e.size >= max32 || e.stored() >= max32 {
		size, stored = max32, max32
		extra = le.AppendUint16(extra, extraZip64)
		extra = le.AppendUint16(extra, 16)
		extra = le.AppendUint64(extra, uint64(e.size))
		extra = le.AppendUint64(extra, uint64(e.stored()))
	}
	extra = e.aes(extra)
	b := le.AppendUint32(nil, signRecord)
	b = le.AppendUint16(b, unix|version)
	b = e.common(b, size, stored, len(extra))
	b = append(b, 0, 0, 0, 0, 0, 0) // no comment, first disk, binary
	b = le.AppendUint32(b, mode)
	b = le.AppendUint32(b, 0) // the header is at the beginning
	b = append(b, e.name...)
	return append(b, extra...)
}

// dosTime has two-second steps, no zone (here UTC), and begins in 1980.
func dosTime(t time.Time) (date, clock uint16) {
	t = t.UTC()
	if t.Year() < 1980 {
		return 1<<5 | 1, 0
	}
	date = uint16(t.Day() + int(t.Month())<<5 + min(t.Year()-1980, 127)<<9)
	return date, uint16(t.Second()/2 + t.Minute()<<5 + t.Hour()<<11)
}
