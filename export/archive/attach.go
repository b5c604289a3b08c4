package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
)

// smallFile is what may be fetched ahead into memory.
const smallFile = 1 << 20

// passes4GiB reports whether a file of a size that is known, or its data in the archive, has a size that four bytes cannot hold.
// Data that does not get smaller gets five bytes longer for each of Deflate's blocks.
func passes4GiB(size int64) bool { return size+size/(1<<13)+(1<<10) >= max32 }

// Attachment is one file that a dataset's rows name.
type Attachment struct {
	Key  string // where the source keeps it
	Name string // the original name, as its owner knows it
	Size int64  // as the row says; negative when it does not
}

// Attachments lists a dataset's attachments from the beginning, calling yield for each.
type Attachments func(ctx context.Context, yield func(Attachment) error) error

// Objects opens attachments; source.Objects is one. An error with a method ItemReason() string concerns that one
// attachment, which is then named in the receipt; any other ends the export. One that also has ItemDoubtful() bool, and answers
// true, ends it as well when no attachment can be read: then it is no attachment's own.
type Objects interface {
	Open(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
}

// AddAttachments copies the attachments of a dataset, or of one more part of it, under attachments/<dataset>/ in the order
// listed. source is how many there are by the source's own count. Small ones are fetched ahead, many at once; the rest
// stream through.
func (a *Writer) AddAttachments(ctx context.Context, dataset string, source int64, list Attachments, objects Objects) error {
	if !datasetName.MatchString(dataset) || reserved.MatchString(dataset) {
		return fmt.Errorf("archive: attachments of %q cannot be added", dataset)
	}
	if a.names[dataset] == nil {
		a.names[dataset] = new(Names)
	}
	ctx, cancel := context.WithCancel(ctx)
	f := newFetcher(ctx, objects, a.opts.Prefetch)
	defer f.wait() // after cancel
	defer cancel()
	go f.run(list)

	count := Count{Dataset: dataset, Source: source}
	var doubts doubts
	for item := range f.queue {
		<-item.ready
		err := a.attach(dataset, item, &count)
		if err == nil {
			err = doubts.weigh(item.err)
		}
		f.release(item)
		if err != nil { // not with its key, which is a customer's
			return fmt.Errorf("archive: attachment %d of %q: %w", count.Exported+count.Failed, dataset, err)
		}
		a.files.Add(1)
	}
	if f.err != nil {
		return fmt.Errorf("archive: attachments of %q: %w", dataset, f.err)
	}
	if doubts.good == 0 && len(doubts.bad) > 1 {
		return fmt.Errorf("archive: all attachments of %q: %w", dataset, doubts.bad[0])
	}
	if err := count.balanced("attachments"); err != nil {
		return err
	}
	at := slices.IndexFunc(a.receipt.Attachments, func(c Count) bool { return c.Dataset == dataset })
	if at < 0 {
		a.receipt.Attachments = append(a.receipt.Attachments, count)
		return nil
	}
	a.receipt.Attachments[at].add(count)
	return nil
}

// maxDoubts is after how many attachments that all failed alike no further one is tried.
const maxDoubts = 100

// doubts tells attachments that fail by themselves from a place that fails for all of them.
type doubts struct {
	good int     // read, or failed for a reason that is certainly their own
	bad  []error // the others
}

// weigh takes what came of one attachment, and returns the place's fault once it must be one.
func (d *doubts) weigh(err error) error {
	var item interface{ ItemDoubtful() bool }
	if !errors.As(err, &item) || !item.ItemDoubtful() {
		d.good++
		return nil
	}
	if d.bad = append(d.bad, err); d.good == 0 && len(d.bad) >= maxDoubts {
		return err
	}
	return nil
}

// itemReason returns why one attachment failed, if the error is about it alone.
func itemReason(err error) (string, bool) {
	var item interface{ ItemReason() string }
	if errors.As(err, &item) {
		return item.ItemReason(), true
	}
	return "", false
}

// attach writes one fetched attachment and accounts for it.
func (a *Writer) attach(dataset string, item *fetched, count *Count) error {
	if item.err != nil {
		reason, ok := itemReason(item.err)
		if !ok {
			return item.err
		}
		count.fail(Failure{Item: item.Key, Name: item.Name, Reason: reason})
		return nil
	}
	f := File{
		Path: a.manifest.attachmentFolder(dataset) + a.names[dataset].Name(item.Name),
		Name: strings.ToValidUTF8(item.Name, "\ufffd"), Kind: KindAttachment, Format: "original", Dataset: dataset,
	}
	fault, err := a.copy(f, item)
	if err != nil {
		return err
	}
	if fault != "" {
		count.fail(Failure{Item: item.Key, Name: item.Name, Reason: fault, Path: f.Path})
		return nil
	}
	count.Exported++
	if item.Size >= 0 && item.Size != item.actual {
		count.remark(Failure{Item: item.Key, Name: item.Name, Reason: "size_differs", Path: f.Path})
	}
	return nil
}

// copy writes the bytes. A fault means that they ended early for a reason of this attachment's own; what came is kept
// and marked, since a stream cannot be taken back.
func (a *Writer) copy(f File, item *fetched) (fault string, err error) {
	how := framed
	if compressible(f.Path) {
		how = deflated
	} else if item.body == nil {
		return "", a.addSized(f, item.content)
	}
	s, err := a.open(f, how, passes4GiB(item.actual))
	if err != nil {
		return "", err
	}
	if item.body == nil {
		_, err = s.Write(item.content.data)
	} else {
		err = s.copy(item.body)
	}
	if err != nil {
		var ok bool
		if fault, ok = itemReason(err); !ok {
			return "", err
		}
	}
	return fault, s.close(func(f *File) { f.Incomplete = fault != "" })
}

// copy writes a body to its end. The next bytes arrive while the last ones are hashed and sent. An error of the body's own
// comes after all that it gave.
func (s *stream) copy(body io.Reader) error {
	p := newPump(s)
	buf, err := slices.Grow(p.buffer(), chunkSize), error(nil)
	for {
		for err == nil && len(buf) < chunkSize {
			var n int
			n, err = body.Read(buf[len(buf):chunkSize])
			buf = buf[:len(buf)+n]
		}
		if err != nil {
			break
		}
		if buf, err = p.send(buf); err != nil {
			break // end knows the cause
		}
		buf = slices.Grow(buf, chunkSize)
	}
	if pumped := p.end(buf); pumped != nil {
		return pumped
	}
	if err == io.EOF { //nolint:errorlint // wrapped, it is something else that ended early
		return nil
	}
	return err
}

// compressible tells text from what is compressed already, as pictures and office documents are.
func compressible(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".html", ".htm", ".css", ".js", ".md", ".log", ".sql", ".svg",
		".yaml", ".yml", ".ini", ".eml", ".ics", ".vcf", ".rtf", ".tex", ".bmp", ".wav", ".tif", ".tiff":
		return true
	}
	return false
}

// fetched is an attachment on its way: whole in content, or with a body to stream, or failed.
type fetched struct {
	Attachment
	ready   chan struct{}
	content body
	body    io.ReadCloser
	actual  int64 // size by the place where it is kept
	buffer  []byte
	err     error
}

// fetcher opens attachments ahead of the writer, in order.
type fetcher struct {
	ctx     context.Context
	objects Objects
	queue   chan *fetched
	slots   chan []byte // each is a place in the queue and the buffer that goes with it
	err     error       // of the list; valid once queue is closed
	running sync.WaitGroup
}

func newFetcher(ctx context.Context, objects Objects, ahead int) *fetcher {
	f := &fetcher{ctx: ctx, objects: objects, queue: make(chan *fetched, ahead), slots: make(chan []byte, ahead)}
	for range ahead {
		f.slots <- nil
	}
	f.running.Add(1)
	return f
}

func (f *fetcher) run(list Attachments) {
	defer f.running.Done()
	defer close(f.queue)
	f.err = list(f.ctx, func(at Attachment) error {
		var buffer []byte
		select {
		case buffer = <-f.slots:
		case <-f.ctx.Done():
			return context.Cause(f.ctx)
		}
		item := &fetched{Attachment: at, ready: make(chan struct{}), buffer: buffer}
		f.running.Go(func() {
			defer close(item.ready)
			f.fetch(item)
		})
		f.queue <- item // never blocks: there are as many places as slots
		return nil
	})
}

func (f *fetcher) fetch(item *fetched) {
	item.body, item.actual, item.err = f.objects.Open(f.ctx, item.Key)
	if item.err != nil || item.actual > smallFile {
		return
	}
	if int64(cap(item.buffer)) < item.actual {
		item.buffer = make([]byte, item.actual)
	}
	data := item.buffer[:item.actual]
	_, item.err = io.ReadFull(item.body, data)
	_ = item.body.Close()
	item.body = nil
	if item.err == nil {
		item.content = content(data)
	}
}

// release gives an item's place to the next one.
func (f *fetcher) release(item *fetched) {
	if item.body != nil {
		_ = item.body.Close()
	}
	f.slots <- item.buffer
}

// wait ends when nothing runs any more. The context must have been cancelled or the queue emptied.
func (f *fetcher) wait() {
	for item := range f.queue {
		<-item.ready
		if item.body != nil {
			_ = item.body.Close()
		}
	}
	f.running.Wait()
}
