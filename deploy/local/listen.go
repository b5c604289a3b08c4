package local

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"offramp/deploy/local/process"
)

// listen opens addr, or a free port of this machine when addr is empty.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(addr, "127.0.0.1:0"))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("address %s is taken by another program: choose another port or stop it: %w", addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// serve answers on l until the returned function is called.
func serve(l net.Listener, h http.Handler) (stop func() error) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	return server.Close
}

// SteadyAddress returns the address of this machine that the named part used last time if it is free, else any free one, and
// remembers it in dir. An issuer's address is part of every identity, so it must not move between runs.
func SteadyAddress(ctx context.Context, dir, name string) (string, error) {
	file := filepath.Join(dir, "ports.json")
	ports := map[string]int{}
	if content, err := os.ReadFile(file); err == nil { // the caller's own directory
		_ = json.Unmarshal(content, &ports)
	}
	if port := ports[name]; port == 0 || !process.PortFree(ctx, port) {
		port, err := process.FreePort(ctx)
		if err != nil {
			return "", err
		}
		ports[name] = port
	}
	content, err := json.MarshalIndent(ports, "", "  ")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(file, content, 0o644); err != nil { // no secret
		return "", fmt.Errorf("remember ports: %w", err)
	}
	return fmt.Sprintf("127.0.0.1:%d", ports[name]), nil
}
