package archive

const (
	chunkSize = 256 << 10
	buffers   = 3
)

// pump writes full buffers in its own goroutine while the next one is filled.
type pump struct {
	s    *stream
	full chan []byte
	free chan []byte
	stop chan struct{} // closed when writing has ended
	err  error         // valid then
}

func newPump(s *stream) *pump {
	p := &pump{s: s, full: make(chan []byte, buffers), free: make(chan []byte, buffers), stop: make(chan struct{})}
	for range buffers {
		p.free <- nil
	}
	go p.run()
	return p
}

func (p *pump) run() {
	defer close(p.stop)
	for b := range p.full {
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

// buffer returns an empty buffer. Small datasets never need a full one.
func (p *pump) buffer() []byte { return make([]byte, 0, 16<<10) }

// send gives buf away and returns an empty one.
func (p *pump) send(buf []byte) ([]byte, error) {
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

// end waits until everything is written.
func (p *pump) end() error {
	close(p.full)
	<-p.stop
	return p.err
}
