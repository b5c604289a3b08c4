package archive

import (
	"slices"
	"sync"
)

const (
	chunkSize = 256 << 10
	buffers   = 3
)

// pump writes full buffers in its own goroutine while the next one is filled. What fits one buffer is written without.
type pump struct {
	s    *stream
	full chan []byte
	free chan []byte
	stop chan struct{} // closed when writing has ended
	err  error         // valid then
}

func newPump(s *stream) *pump {
	return &pump{s: s}
}

func (p *pump) start() {
	p.full, p.free, p.stop = make(chan []byte, buffers), make(chan []byte, buffers+1), make(chan struct{}) // the last comes back, too
	for range buffers {
		p.free <- nil
	}
	go p.run()
}

func (p *pump) run() {
	defer close(p.stop)
	step := giveWay(p.s.a.opts.GiveWay)
	for b := range p.full {
		step(len(b))
		if _, err := p.s.Write(b); err != nil {
			p.err = err
			return
		}
		if cap(b) > 4*chunkSize { // a giant row's buffer is not kept
			b = nil
		}
		p.free <- b
	}
}

var smallBuffers = sync.Pool{New: func() any { return new([]byte) }}

// buffer returns an empty buffer. Small datasets never need a full one.
func (p *pump) buffer() []byte { return slices.Grow((*smallBuffers.Get().(*[]byte))[:0], 16<<10) }

// send gives buf away and returns an empty one.
func (p *pump) send(buf []byte) ([]byte, error) {
	if p.full == nil {
		p.start()
	}
	select {
	case p.full <- buf:
	case <-p.stop:
		return nil, p.fault()
	}
	select {
	case b := <-p.free:
		if b == nil {
			b = make([]byte, 0, chunkSize+chunkSize/4)
		}
		return b[:0], nil
	case <-p.stop:
		return nil, p.fault()
	}
}

func (p *pump) fault() error {
	if p.err != nil {
		return p.err
	}
	return errEnded
}

// end writes the last buffer and waits until everything is written.
func (p *pump) end(last []byte) error {
	if p.full == nil {
		_, err := p.s.Write(last)
		if cap(last) <= chunkSize {
			smallBuffers.Put(&last)
		}
		return err
	}
	select {
	case p.full <- last:
	case <-p.stop:
	}
	close(p.full)
	<-p.stop
	return p.err
}
