package inspect

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Scanner looks for malware.
type Scanner interface {
	// Scan returns the name of what was found, or nothing. An error means that nobody knows.
	Scan(ctx context.Context, body io.Reader) (found string, err error)
}

// Clamd asks a ClamAV daemon.
type Clamd struct {
	Network, Address string        // tcp and host:port, or unix and a path
	Timeout          time.Duration // of a whole scan; default 30 s
}

const chunk = 64 << 10

// Scan implements Scanner, by the command INSTREAM of clamd(8).
func (c Clamd) Scan(ctx context.Context, body io.Reader) (found string, err error) {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, c.Network, c.Address)
	if err != nil {
		return "", fmt.Errorf("reach the scanner: %w", err)
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", fmt.Errorf("reach the scanner: %w", err)
	}
	sent := send(conn, body)
	answer, err := io.ReadAll(io.LimitReader(conn, 4096))
	said := strings.TrimRight(string(answer), "\x00\n")
	switch name, isFound := strings.CutSuffix(said, " FOUND"); {
	case isFound:
		return strings.TrimPrefix(name, "stream: "), nil
	case said == "stream: OK" && sent == nil && err == nil:
		return "", nil
	}
	return "", errors.Join(fmt.Errorf("the scanner said %q", said), sent, err)
}

func send(conn io.Writer, body io.Reader) error {
	if _, err := io.WriteString(conn, "zINSTREAM\x00"); err != nil {
		return err
	}
	frame := make([]byte, 4+chunk)
	for {
		n, err := io.ReadFull(body, frame[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(frame, uint32(n))
			if _, err := conn.Write(frame[:4+n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			_, err := conn.Write([]byte{0, 0, 0, 0})
			return err
		case err != nil:
			return err
		}
	}
}
