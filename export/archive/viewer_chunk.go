package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// chunkWriter writes rows as scripts, each a call of the one function that the page has for them:
//
//	offramp('<folder>/0001','[[1,"a",null],...]')
//
// One goroutine fills a chunk while another compresses the one before, so that memory does not depend on the data.
type chunkWriter struct {
	a      *Writer
	folder string
	name   string // the dataset's, for the manifest
	buf    []byte
	inside int64   // rows in buf
	counts []int64 // rows of each chunk
	full   chan chunk
	free   chan []byte
	stop   chan struct{} // closed when writing has ended
	err    error         // valid then
}

type chunk struct {
	path string
	data []byte
}

func (a *Writer) newChunks(folder, name string) *chunkWriter {
	w := &chunkWriter{a: a, folder: folder, name: name, full: make(chan chunk, 1), free: make(chan []byte, 2), stop: make(chan struct{})}
	w.free <- nil
	w.free <- nil
	go w.run()
	return w
}

func (w *chunkWriter) run() {
	defer close(w.stop)
	step := giveWay(w.a.opts.GiveWay)
	for c := range w.full {
		step(len(c.data))
		if w.err = w.write(c); w.err != nil {
			return
		}
		if cap(c.data) > 4*viewerChunk { // a giant row's buffer is not kept
			c.data = nil
		}
		w.free <- c.data
	}
}

func (w *chunkWriter) write(c chunk) error {
	s, err := w.a.open(File{Path: c.path, Kind: KindViewer, Format: "js", Dataset: w.name}, deflated, false)
	if err != nil {
		return err
	}
	if _, err := s.Write(c.data); err != nil {
		return err
	}
	return s.close(nil)
}

func (w *chunkWriter) path() string { return fmt.Sprintf("%s/%04d", w.folder, len(w.counts)+1) }

// add appends a row.
func (w *chunkWriter) add(row func(dst []byte) []byte) error {
	if w.inside == 0 {
		w.buf = append(append(append(w.buf, "offramp('"...), w.path()...), "','["...)
	} else {
		w.buf = append(w.buf, ',', '\\', '\n') // a line break that is no part of the string
	}
	w.buf = row(w.buf)
	w.inside++
	if len(w.buf) < viewerChunk {
		return nil
	}
	return w.flush()
}

// flush gives the chunk away.
func (w *chunkWriter) flush() error {
	if w.inside == 0 {
		return nil
	}
	w.buf = append(w.buf, "]')\n"...)
	select {
	case w.full <- chunk{w.path() + ".js", w.buf}:
	case <-w.stop:
		return errEnded
	}
	w.counts, w.inside = append(w.counts, w.inside), 0
	select {
	case b := <-w.free:
		w.buf = b[:0]
		return nil
	case <-w.stop:
		return errEnded
	}
}

// end waits until everything is written, unless the rows have failed.
func (w *chunkWriter) end(err error) error {
	if err == nil {
		err = w.flush()
	}
	close(w.full)
	<-w.stop
	if w.err != nil {
		return w.err // the cause, if both failed
	}
	return err
}

// viewerColumn is what the viewer must know of a column.
type viewerColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// writeIndex writes which rows each chunk holds.
func (w *chunkWriter) writeIndex(columns []viewerColumn) error {
	text, err := json.Marshal(struct {
		Columns []viewerColumn `json:"columns"`
		Chunks  []int64        `json:"chunks"` // how many rows each holds
	}{columns, append([]int64{}, w.counts...)})
	if err != nil {
		return err
	}
	f := File{Path: w.folder + "/index.js", Kind: KindViewer, Format: "js", Dataset: w.name}
	return w.a.addSized(f, content(scriptCall(w.folder+"/index", text)))
}

// scriptCall wraps a JSON text that json.Marshal wrote, which has no line break and nothing that could end a script.
func scriptCall(key string, text []byte) []byte {
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(`\`), []byte(`\\`)), []byte("'"), []byte(`\u0027`))
	return bytes.Join([][]byte{[]byte("offramp('"), []byte(key), []byte("','"), text, []byte("')\n")}, nil)
}
