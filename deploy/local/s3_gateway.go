package local

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

const (
	region     = "us-east-1"
	healthPath = "/offramp-health"

	// gatewayEnv turns a program that links this package into an S3 server.
	gatewayEnv = "OFFRAMP_LOCAL_S3_SERVER"
)

// gatewayOrder is what the parent tells the child.
type gatewayOrder struct{ Dir, Users, Address, AccessKey, SecretKey, Region string }

// The S3 server needs a process of its own: its file backend changes the working directory, and only one fits in a process. Any
// program that can start it can also be it, tests included, so the parent runs itself again with an order in the environment.
func init() {
	order := os.Getenv(gatewayEnv)
	if order == "" {
		return
	}
	if err := serveGateway(order); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveGateway serves until its input ends: the parent closes it, or died.
func serveGateway(order string) error {
	var o gatewayOrder
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return err
	}
	sidecar := filepath.Join(dir, "meta")
	store, err := meta.NewSideCar(sidecar)
	if err != nil {
		return err
	}
	// A zero CopyObjectThreshold would refuse every copy; 5 GiB is what S3 itself allows.
	backend, err := posix.New(filepath.Join(dir, "objects"), store, posix.PosixOpts{
		SideCarDir: sidecar, CopyObjectThreshold: 5 << 30, VersioningDir: filepath.Join(dir, "versions"),
	})
	if err != nil {
		return fmt.Errorf("open objects: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		time.AfterFunc(3*time.Second, func() { os.Exit(1) }) // should a request hang
		cancel()
	}()
	return embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		IAMDir: o.Users, IAMCacheDisable: true, RootUserAccess: o.AccessKey, RootUserSecret: o.SecretKey, Region: o.Region, Ports: []string{o.Address},
		MaxConnections: 1000, MaxRequests: 500, MultipartMaxParts: 10000, Quiet: true, KeepAlive: true, HealthPath: healthPath,
	})
}
