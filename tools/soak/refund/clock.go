package main

import (
	"encoding/binary"
	"os"
	"sync"
	"time"
)

// sharedClock is the time of all processes: this machine's, ahead by what a file of eight bytes says.
type sharedClock struct {
	file *os.File
	mu   sync.Mutex
}

func openClock(name string) (*sharedClock, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &sharedClock{file: file}, nil
}

func (c *sharedClock) ahead() time.Duration {
	var b [8]byte
	if n, _ := c.file.ReadAt(b[:], 0); n < len(b) {
		return 0 // nobody has moved it yet
	}
	return time.Duration(binary.BigEndian.Uint64(b[:]))
}

// Now is the present instant.
func (c *sharedClock) Now() time.Time {
	return time.Now().Add(c.ahead()).UTC().Truncate(time.Microsecond)
}

// advance moves it on, for every process.
func (c *sharedClock) advance(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(0, c.ahead()+d)))
	_, err := c.file.WriteAt(b[:], 0)
	return err
}
