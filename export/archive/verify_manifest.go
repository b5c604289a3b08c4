package archive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"slices"
	"strings"
)

// The manifest lies uncompressed right behind its header and name. Either is enough to find it, so that one damaged
// byte cannot hide it.
const (
	manifestStart = `{"schema":"offramp-archive/`
	maxManifest   = 1 << 30
)

// manifestName is the manifest's name in any volume; manifestNames are how long it can be.
var (
	manifestName  = regexp.MustCompile(`manifest(-[0-9]{2,5})?\.json$`)
	manifestNames = []int{len("manifest.json"), len("manifest-02.json"), len("manifest-100.json"), len("manifest-1000.json"), len("manifest-10000.json")}
)

// findManifest finds and reads the manifest, and mends a single damaged byte in it. It returns the manifest's bytes as
// they were written, as far as can be told.
func (v *verifier) findManifest() ([]byte, bool, error) {
	byStart, err := v.lastIndex(func(b []byte) int { return bytes.LastIndex(b, []byte(manifestStart)) }, len(manifestStart))
	if err != nil {
		return nil, false, err
	}
	byName, err := v.lastIndex(lastManifestName, headerSize+slices.Max(manifestNames))
	if err != nil {
		return nil, false, err
	}
	if at := max(byStart, byName); at >= int64(headerSize+len(ManifestPath)) {
		header, err := v.manifestHeader(at)
		if err != nil {
			return nil, false, err
		}
		text, ok, err := v.readManifest(header, at)
		if ok || err != nil {
			v.at = at - int64(headerSize+len(v.report.Manifest.Path(ManifestPath)))
			return text, ok, err
		}
	}
	return v.packedManifest()
}

// lastManifestName returns where the text begins that follows the last header with the manifest's name, or -1. Without
// looking for the header, an attachment's name in the manifest's own text could be taken for it.
func lastManifestName(b []byte) int {
	sign := binary.LittleEndian.AppendUint32(nil, signHeader)
	for rest := b; ; {
		i := bytes.LastIndex(rest, []byte(".json"))
		if i < 0 {
			return -1
		}
		end := i + len(".json")
		if at := manifestName.FindIndex(rest[max(0, end-slices.Max(manifestNames)):end]); at != nil {
			begin := max(0, end-slices.Max(manifestNames)) + at[0]
			if begin >= headerSize && bytes.HasPrefix(rest[begin-headerSize:], sign) {
				return end
			}
		}
		rest = rest[:i]
	}
}

// manifestHeader returns where the header begins whose manifest's text begins at an offset. Its name's length depends on
// the volume's number, and a byte of either may be damaged: the likeliest place counts.
func (v *verifier) manifestHeader(at int64) (int64, error) {
	longest := int64(headerSize + slices.Max(manifestNames))
	before, err := v.bytes(at-min(at, longest), min(at, longest), nil)
	if err != nil {
		return 0, err
	}
	sign := binary.LittleEndian.AppendUint32(nil, signHeader)
	best, most := at-int64(headerSize+len(ManifestPath)), -1
	for _, n := range manifestNames {
		if len(before) < headerSize+n {
			break
		}
		head := before[len(before)-headerSize-n:]
		hints := 0
		for _, hint := range []bool{
			bytes.HasPrefix(head, sign), int(binary.LittleEndian.Uint16(head[26:])) == n,
			len(manifestName.Find(head[headerSize:])) == n,
		} {
			if hint {
				hints++
			}
		}
		if hints > most {
			best, most = at-int64(len(head)), hints
		}
	}
	return best, nil
}

// lastIndex searches backwards for something of at most length bytes. find returns the last place in a window, or -1.
func (v *verifier) lastIndex(find func([]byte) int, length int) (int64, error) {
	const window = 4 << 20
	buf := make([]byte, 0, min(window, v.size))
	for end := v.size; end > 0; {
		from := max(0, end-window)
		part, err := v.bytes(from, end-from, buf)
		if err != nil {
			return -1, err
		}
		if i := find(part); i >= 0 {
			return from + int64(i), nil
		}
		if from == 0 {
			break
		}
		end = from + int64(length)
	}
	return -1, nil
}

// readManifest reads the manifest whose header and text begin at two offsets. ok is false when it cannot be understood.
func (v *verifier) readManifest(header, at int64) (text []byte, ok bool, err error) {
	head, err := v.bytes(header, headerSize, nil)
	if err != nil {
		return nil, false, err
	}
	crc, length := binary.LittleEndian.Uint32(head[14:]), int64(binary.LittleEndian.Uint32(head[18:]))
	rest, err := v.bytes(at, min(v.size-at, maxManifest), nil)
	if err != nil {
		return nil, false, err
	}
	if length <= int64(len(rest)) {
		text = rest[:length]
		if crc32.ChecksumIEEE(text) == crc {
			return text, v.parse(text), nil
		}
		if v.mend(text, at, crc, commentHash(rest)) {
			return text, v.parse(text), nil
		}
	}
	// The header is damaged, or more than a byte of the text is: the text itself says where it ends.
	d := json.NewDecoder(bytes.NewReader(rest))
	if err := d.Decode(new(json.RawMessage)); err != nil {
		if length > int64(len(rest)) {
			v.add(Problem{Trouble: Truncated, Path: ManifestPath, From: v.size, To: -1, Note: fmt.Sprintf("the archive ends after %d bytes, inside its manifest", v.size)})
			return nil, false, nil
		}
		v.add(Problem{Trouble: Damaged, Path: ManifestPath, From: at, To: at + length, Note: "the manifest cannot be read"})
		return nil, false, nil
	}
	text = rest[:min(d.InputOffset()+1, int64(len(rest)))]
	if hash := commentHash(rest); hash != "" && hash != content(text).sha {
		v.add(Problem{
			Trouble: Damaged, Path: ManifestPath, From: at, To: at + int64(len(text)), Note: "the manifest was changed",
			Expected: "SHA-256 " + hash, Actual: content(text).sha,
		})
	}
	return text, v.parse(text), nil
}

// mend restores a single damaged byte of the manifest, in place, when its checksum leaves no doubt which it is.
func (v *verifier) mend(text []byte, at int64, crc uint32, hash string) bool {
	for c := range candidates(crc32.IEEETable, crc^crc32.ChecksumIEEE(text), len(text)) {
		actual := text[c.at]
		text[c.at] ^= c.by
		if sound := content(text).sha == hash || (hash == "" && json.Valid(text)); sound {
			v.add(differs(ManifestPath, at+int64(c.at), text[c.at], actual, "a byte of the manifest was changed"))
			return true
		}
		text[c.at] = actual
	}
	return false
}

func (v *verifier) parse(text []byte) bool {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil || !strings.HasPrefix(m.Schema, "offramp-archive/") {
		return false
	}
	if m.Schema != manifestSchema && m.Schema != manifestSchema1 {
		v.add(Problem{Trouble: NotArchive, From: -1, To: -1, Note: "made by a newer version: " + m.Schema})
		return false
	}
	v.report.Manifest = m
	return true
}

// commentHash finds the manifest's SHA-256 in the archive's comment, or returns "".
func commentHash(rest []byte) string {
	last := rest[max(0, len(rest)-max16):]
	if all := commentMark.FindAllSubmatch(last, -1); len(all) > 0 {
		return string(all[len(all)-1][1])
	}
	return ""
}

var commentMark = regexp.MustCompile(`SHA-256 of manifest(?:-[0-9]+)?\.json: ([0-9a-f]{64})`)

// packedManifest reads the manifest through the directory, as another program may have packed it.
func (v *verifier) packedManifest() ([]byte, bool, error) {
	if v.zip == nil {
		return nil, false, nil
	}
	for _, f := range v.zip.File {
		if len(manifestName.FindString(f.Name)) != len(f.Name) || f.Name == "" {
			continue
		}
		text, err := readEntry(f)
		if err != nil || !v.parse(text) {
			return nil, false, nil
		}
		v.shifted = true
		v.layout = append(v.layout, Problem{Trouble: Repacked, From: -1, To: -1, Note: "another program has packed the files anew"})
		return text, true, nil
	}
	return nil, false, nil
}

func readEntry(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(io.LimitReader(r, maxManifest))
}

// ruin says what can be said of an archive without a manifest.
func (v *verifier) ruin(want Expected) error {
	for _, p := range v.report.Problems {
		if p.Trouble == Truncated || p.Trouble == NotArchive {
			return nil
		}
	}
	start, err := v.bytes(0, min(4, v.size), nil)
	if err != nil {
		return err
	}
	if len(start) < 4 || binary.LittleEndian.Uint32(start) != signHeader {
		v.add(Problem{Trouble: NotArchive, From: 0, To: 0, Note: "this is no export archive, or its beginning is lost"})
		return nil
	}
	if v.zip != nil {
		v.add(Problem{Trouble: NotArchive, From: -1, To: -1, Note: "a Zip file without a readable " + ManifestPath})
		return nil
	}
	p := Problem{Trouble: Truncated, From: v.size, To: -1, Note: fmt.Sprintf("the archive ends after %d bytes, before its manifest", v.size)}
	if want.Size > v.size {
		p.To = want.Size
		p.Note = fmt.Sprintf("the archive ends after %d of %d bytes; byte %d is the first that is missing", v.size, want.Size, v.size)
	}
	p.Path, err = v.lastName()
	v.add(p)
	return err
}

// lastName returns the name in the last header that can be found.
func (v *verifier) lastName() (string, error) {
	sign := binary.LittleEndian.AppendUint32(nil, signHeader)
	at, err := v.lastIndex(func(b []byte) int { return bytes.LastIndex(b, sign) }, len(sign))
	if err != nil || at < 0 || at+headerSize > v.size {
		return "", err
	}
	head, err := v.bytes(at, headerSize, nil)
	if err != nil {
		return "", err
	}
	n := int64(binary.LittleEndian.Uint16(head[26:]))
	if at+headerSize+n > v.size {
		return "", nil
	}
	name, err := v.bytes(at+headerSize, n, nil)
	return strings.ToValidUTF8(string(name), "\ufffd"), err
}
