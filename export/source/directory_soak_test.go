//go:build soak

package source_test

import (
	"context"
	"io"
	"runtime"
	"testing"
)

// TestE10_AFileOf5GiBStreams reads a file with a hole in it to its end, in constant memory.
func TestE10_AFileOf5GiBStreams(t *testing.T) {
	address, _ := sparse(t)
	body, told, err := attachments(t, address).Open(context.Background(), "HZ-1/large.bin")
	must(t, err)
	defer func() { _ = body.Close() }()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{body}, make([]byte, 1<<20))
	runtime.ReadMemStats(&after)
	if err != nil || n != 5<<30 || told != n || after.TotalAlloc-before.TotalAlloc > 16<<20 {
		t.Fatalf("%d bytes of %d, %d allocated, %v", n, told, after.TotalAlloc-before.TotalAlloc, err)
	}
}
