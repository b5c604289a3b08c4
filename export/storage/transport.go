package storage

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	maxConns = 64
	// The system's own buffer hides how far a slow upload has come. Kept small, what is unseen drains within the time
	// that the server is given to answer, even at 10 KB/s.
	sendBuffer = 512 << 10
	writeChunk = 32 << 10
)

// newTransport bounds every wait: for a connection, for progress in sending, and for an answer after the last byte.
// Progress in receiving is watched by Object.
func newTransport(dialer Dialer, stall, answer time.Duration) *http.Transport {
	if dialer == nil {
		dialer = &net.Dialer{Timeout: min(stall, 10*time.Second), KeepAlive: 15 * time.Second}
	}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetWriteBuffer(sendBuffer)
			}
			return &steadyConn{Conn: conn, stall: stall}, nil
		},
		TLSHandshakeTimeout:   min(stall, 10*time.Second),
		ResponseHeaderTimeout: answer,
		IdleConnTimeout:       time.Minute,
		MaxConnsPerHost:       maxConns,
		MaxIdleConnsPerHost:   maxConns,
		WriteBufferSize:       64 << 10,
		ReadBufferSize:        64 << 10,
		DisableCompression:    true,
	}
}

// steadyConn fails a write that makes no progress for a while, however long the whole takes.
type steadyConn struct {
	net.Conn
	stall time.Duration
}

// Write implements net.Conn.
func (c *steadyConn) Write(p []byte) (int, error) {
	written := 0
	for {
		if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[:min(len(p), writeChunk)])
		written, p = written+n, p[n:]
		if err != nil || len(p) == 0 {
			return written, err
		}
	}
}
