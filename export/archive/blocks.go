package archive

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// blockSize is a compromise: damage is named to within this many bytes, at 8 bytes of checksums each.
const blockSize = 64 << 10

// sums are two unrelated checksums of one block. Together they tell a single changed byte from any other damage.
type sums struct{ castagnoli, ieee uint32 }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (s sums) add(p []byte) sums {
	return sums{crc32.Update(s.castagnoli, castagnoli, p), crc32.Update(s.ieee, crc32.IEEETable, p)}
}

// blockSums takes the sums of what is written to it, block by block.
type blockSums struct {
	full    []sums
	current sums
	n       int // bytes in current
}

// Write implements io.Writer.
func (b *blockSums) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		k := min(len(rest), blockSize-b.n)
		b.current, b.n, rest = b.current.add(rest[:k]), b.n+k, rest[k:]
		if b.n == blockSize {
			b.full, b.current, b.n = append(b.full, b.current), sums{}, 0
		}
	}
	return len(p), nil
}

// all returns the sums of all blocks; the last may be short.
func (b *blockSums) all() []sums {
	if b.n == 0 {
		return b.full
	}
	return append(b.full[:len(b.full):len(b.full)], b.current)
}

// pack writes sums as the manifest keeps them: big-endian pairs.
func pack(all []sums) []byte {
	out := make([]byte, 0, 8*len(all))
	for _, s := range all {
		out = binary.BigEndian.AppendUint32(out, s.castagnoli)
		out = binary.BigEndian.AppendUint32(out, s.ieee)
	}
	return out
}

func unpack(b []byte) ([]sums, error) {
	if len(b)%8 != 0 {
		return nil, fmt.Errorf("the checksums of the blocks are cut")
	}
	out := make([]sums, 0, len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		out = append(out, sums{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])})
	}
	return out, nil
}

// change is one byte that is not what it was: xor-ing it with by restores it.
type change struct {
	at int
	by byte
}

// locate returns the one byte whose change explains a block's checksums, if there is one.
func locate(block []byte, want sums) (change, bool) {
	got := sums{}.add(block)
	second := candidates(crc32.IEEETable, got.ieee^want.ieee, len(block))
	for c := range candidates(castagnoli, got.castagnoli^want.castagnoli, len(block)) {
		if second[c] {
			return c, true
		}
	}
	return change{}, false
}

// candidates returns the single-byte changes in n bytes that would change a CRC by diff. A CRC is linear: a changed byte
// enters as table[by] and then passes one step of the register for each byte after it. So the steps are undone one by
// one, and wherever the register holds a value of the table, a change at that place explains the difference.
func candidates(table *crc32.Table, diff uint32, n int) map[change]bool {
	found := map[change]bool{}
	if diff == 0 {
		return found
	}
	var byTop [256]byte // the table's high bytes are all different
	for i, v := range table {
		byTop[v>>24] = byte(i)
	}
	for at := n - 1; at >= 0; at-- {
		i := byTop[diff>>24]
		if table[i] == diff {
			found[change{at, i}] = true
		}
		diff = (diff^table[i])<<8 | uint32(i)
	}
	return found
}

// out is the archive as it leaves: counted, gathered into larger writes, and summed.
type out struct {
	buf    *bufio.Writer
	at     uint64 // bytes so far, with those in buf
	blocks *blockSums
}

var outBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 64<<10) }}

func newOut(w io.Writer) *out {
	o := &out{buf: outBuffers.Get().(*bufio.Writer), blocks: new(blockSums)}
	o.buf.Reset(summed{w, o.blocks})
	return o
}

// end gives the buffer back. An out that ends by an error need not be ended.
func (o *out) end() error {
	err := o.buf.Flush()
	o.buf.Reset(nil)
	outBuffers.Put(o.buf)
	o.buf = nil
	return err
}

// Write implements io.Writer.
func (o *out) Write(p []byte) (int, error) {
	n, err := o.buf.Write(p)
	o.at += uint64(n)
	return n, err
}

type summed struct {
	w      io.Writer
	blocks *blockSums
}

// Write implements io.Writer.
func (s summed) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	_, _ = s.blocks.Write(p[:n])
	return n, err
}
