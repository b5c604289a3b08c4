package inspect_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"offramp/migration/refund/inspect"
)

// daemon speaks the protocol of clamd: it finds whatever holds the word EICAR.
func daemon(t *testing.T, answer func(body []byte) string) inspect.Clamd {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			command, err := r.ReadString(0)
			if err != nil || command != "zINSTREAM\x00" {
				_, _ = io.WriteString(conn, "UNKNOWN COMMAND\x00")
				_ = conn.Close()
				continue
			}
			var body bytes.Buffer
			for {
				var size uint32
				if binary.Read(r, binary.BigEndian, &size) != nil || size == 0 {
					break
				}
				_, _ = io.CopyN(&body, r, int64(size))
			}
			_, _ = io.WriteString(conn, answer(body.Bytes()))
			_ = conn.Close()
		}
	}()
	return inspect.Clamd{Network: "tcp", Address: listener.Addr().String()}
}

func TestAScannerRefusesWhatItKnows(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200<<10)
	scanner := daemon(t, func(body []byte) string {
		switch {
		case bytes.Contains(body, []byte("EICAR")):
			return "stream: Eicar-Signature FOUND\x00"
		case len(body) != len(long) && len(body) != 2:
			return "INSTREAM size limit exceeded. ERROR\x00"
		}
		return "stream: OK\x00"
	})
	for content, want := range map[string]string{long: "", "ok": "", "EICAR": "Eicar-Signature", long + "EICAR": "Eicar-Signature"} {
		if found, err := scanner.Scan(t.Context(), strings.NewReader(content)); err != nil || found != want {
			t.Errorf("%d bytes: %q %v, want %q", len(content), found, err, want)
		}
	}
	if _, err := scanner.Scan(t.Context(), strings.NewReader("odd")); err == nil || !strings.Contains(err.Error(), "size limit") {
		t.Errorf("a scanner that does not know: %v", err)
	}
	if _, err := (inspect.Clamd{Network: "tcp", Address: "127.0.0.1:1"}).Scan(t.Context(), strings.NewReader("x")); err == nil {
		t.Error("a scanner that is not there says that all is well")
	}
}
