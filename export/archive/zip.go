package archive

import (
	"encoding/binary"
	"time"
)

// The parts of a Zip file that follow from what an entry is, so that they can be written, and written again to compare.
// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.
const (
	signHeader     = 0x04034b50
	signDescriptor = 0x08074b50
	signRecord     = 0x02014b50
	signEnd64      = 0x06064b50
	signLocator    = 0x07064b50
	signEnd        = 0x06054b50

	headerSize = 30

	methodStore   = 0
	methodDeflate = 8

	flagStreamed = 1 << 3  // sizes and checksum follow the data
	flagUTF8     = 1 << 11 // names are UTF-8

	version20 = 20
	version45 = 45 // Zip64
	unix      = 3 << 8
	fileMode  = 0o100644 << 16

	max32 = 1<<32 - 1
	max16 = 1<<16 - 1
)

// shape says how an entry's header and data lie in the archive.
type shape string

const (
	sized      shape = "sized"      // size and checksum are in the header
	streamed   shape = "streamed"   // they follow the data
	streamed64 shape = "streamed64" // the same with eight bytes for each size, announced in the header
)

// entry is all that a Zip file says about one of its files.
type entry struct {
	name         string
	shape        shape
	method       uint16
	time         time.Time
	crc          uint32
	size, stored uint64 // of the file, and of its data in the archive
	offset       uint64 // of the header in the archive
}

func (e entry) flags() uint16 {
	if e.shape == sized {
		return flagUTF8
	}
	return flagUTF8 | flagStreamed
}

func (e entry) wide() bool { return e.size >= max32 || e.stored >= max32 }

// header returns the local file header.
func (e entry) header() []byte {
	le := binary.LittleEndian
	version, extra := uint16(version20), []byte(nil)
	var crc, stored, size uint32
	switch {
	case e.shape == sized:
		crc, stored, size = e.crc, uint32(e.stored), uint32(e.size)
	case e.shape == streamed64:
		version, stored, size = version45, max32, max32
		extra = make([]byte, 20)
		le.PutUint16(extra, 1)
		le.PutUint16(extra[2:], 16)
	}
	date, clock := dosTime(e.time)
	b := make([]byte, 0, headerSize+len(e.name)+len(extra))
	b = le.AppendUint32(b, signHeader)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, e.flags())
	b = le.AppendUint16(b, e.method)
	b = le.AppendUint16(b, clock)
	b = le.AppendUint16(b, date)
	b = le.AppendUint32(b, crc)
	b = le.AppendUint32(b, stored)
	b = le.AppendUint32(b, size)
	b = le.AppendUint16(b, uint16(len(e.name)))
	b = le.AppendUint16(b, uint16(len(extra)))
	b = append(b, e.name...)
	return append(b, extra...)
}

// descriptor returns what follows the data of a streamed entry.
func (e entry) descriptor() []byte {
	if e.shape == sized {
		return nil
	}
	le := binary.LittleEndian
	b := le.AppendUint32(nil, signDescriptor)
	b = le.AppendUint32(b, e.crc)
	if e.shape == streamed64 || e.wide() {
		b = le.AppendUint64(b, e.stored)
		return le.AppendUint64(b, e.size)
	}
	b = le.AppendUint32(b, uint32(e.stored))
	return le.AppendUint32(b, uint32(e.size))
}

// record returns the entry's record in the directory.
func (e entry) record() []byte {
	le := binary.LittleEndian
	var extra []byte
	stored, size, offset := e.stored, e.size, e.offset
	if e.wide() || offset >= max32 {
		extra = le.AppendUint16(extra, 1)
		extra = le.AppendUint16(extra, 24)
		extra = le.AppendUint64(extra, size)
		extra = le.AppendUint64(extra, stored)
		extra = le.AppendUint64(extra, offset)
		stored, size, offset = max32, max32, max32
	}
	version := uint16(version20)
	if extra != nil || e.shape == streamed64 {
		version = version45
	}
	date, clock := dosTime(e.time)
	b := le.AppendUint32(nil, signRecord)
	b = le.AppendUint16(b, unix|version45)
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, e.flags())
	b = le.AppendUint16(b, e.method)
	b = le.AppendUint16(b, clock)
	b = le.AppendUint16(b, date)
	b = le.AppendUint32(b, e.crc)
	b = le.AppendUint32(b, uint32(stored))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint16(b, uint16(len(e.name)))
	b = le.AppendUint16(b, uint16(len(extra)))
	b = append(b, 0, 0, 0, 0, 0, 0) // no comment, first disk, binary
	b = le.AppendUint32(b, fileMode)
	b = le.AppendUint32(b, uint32(offset))
	b = append(b, e.name...)
	return append(b, extra...)
}

// dataOffset returns where the data begins.
func (e entry) dataOffset() uint64 { return e.offset + uint64(len(e.header())) }

// end returns where the next entry begins.
func (e entry) end() uint64 { return e.dataOffset() + e.stored + uint64(len(e.descriptor())) }

// ending returns what follows the directory: count records that lie from offset on in size bytes.
func ending(count int, offset, size uint64, comment string) []byte {
	le := binary.LittleEndian
	var b []byte
	short, at, length := uint64(count), offset, size
	if short >= max16 || at >= max32 || length >= max32 {
		b = le.AppendUint32(b, signEnd64)
		b = le.AppendUint64(b, 44) // what is left of this record
		b = le.AppendUint16(b, unix|version45)
		b = le.AppendUint16(b, version45)
		b = le.AppendUint64(b, 0) // disks
		b = le.AppendUint64(b, short)
		b = le.AppendUint64(b, short)
		b = le.AppendUint64(b, length)
		b = le.AppendUint64(b, at)
		b = le.AppendUint32(b, signLocator)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, offset+size)
		b = le.AppendUint32(b, 1)
		short, at, length = max16, max32, max32
	}
	b = le.AppendUint32(b, signEnd)
	b = le.AppendUint32(b, 0) // disks
	b = le.AppendUint16(b, uint16(short))
	b = le.AppendUint16(b, uint16(short))
	b = le.AppendUint32(b, uint32(length))
	b = le.AppendUint32(b, uint32(at))
	b = le.AppendUint16(b, uint16(len(comment)))
	return append(b, comment...)
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
