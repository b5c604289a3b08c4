package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"offramp/deploy/local/process"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// S3Options say how to run an S3 server. Dir is required.
type S3Options struct {
	Dir       string // holds objects and their metadata; kept between runs
	Port      int    // 0: any free one
	AccessKey string // default "offramp"
	SecretKey string // default random
}

// S3 is a running S3 server. Address objects by path, not by host name.
type S3 struct {
	Endpoint  string // such as http://127.0.0.1:40123
	Region    string
	AccessKey string
	SecretKey string

	users string // directory of the accounts other than the owner
	child *process.Child
	hold  io.Closer // the server ends when this closes, as it does when we die
	log   *endOfLog
}

// StartS3 starts a server. ctx bounds the start; the server runs until Stop, or until this process ends. A process may run
// several.
func StartS3(ctx context.Context, o S3Options) (*S3, error) {
	if o.AccessKey == "" {
		o.AccessKey = "offramp"
	}
	if o.SecretKey == "" {
		o.SecretKey = rand.Text()
	}
	for _, sub := range []string{"objects", "meta", "versions", usersDir} {
		if err := os.MkdirAll(filepath.Join(o.Dir, sub), 0o755); err != nil { // under a directory of the caller's
			return nil, fmt.Errorf("make S3 directory: %w", err)
		}
	}
	const tries = 5
	for try := 1; ; try++ {
		s, err := startS3On(ctx, o)
		if err == nil || o.Port != 0 || try == tries || ctx.Err() != nil {
			return s, err
		}
	}
}

func startS3On(ctx context.Context, o S3Options) (*S3, error) {
	port := o.Port
	if port == 0 {
		var err error
		if port, err = process.FreePort(ctx); err != nil {
			return nil, err
		}
	} else if !process.PortFree(ctx, port) {
		return nil, fmt.Errorf("port %d for the S3 server is taken by another program: choose another port or stop it", port)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	order, err := json.Marshal(gatewayOrder{Dir: o.Dir, Users: filepath.Join(o.Dir, usersDir), Address: address, AccessKey: o.AccessKey, SecretKey: o.SecretKey, Region: region})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	s := &S3{Endpoint: "http://" + address, Region: region, AccessKey: o.AccessKey, SecretKey: o.SecretKey, users: filepath.Join(o.Dir, usersDir), log: &endOfLog{}}
	cmd := exec.Command(self) // this program again, as the server; ended by closing its input
	cmd.Env = append(os.Environ(), gatewayEnv+"="+string(order))
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = process.Attributes(0)
	if s.hold, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if s.child, err = process.Start(cmd); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// await waits until the server answers to our keys; somebody else's on the same port would not.
func (s *S3) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+healthPath, nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if _, err := s.Client().ListBuckets(ctx, &s3.ListBucketsInput{}); err != nil {
				return fmt.Errorf("start the S3 server: %w", err)
			}
			return nil
		}
		select {
		case <-s.child.Done:
			return fmt.Errorf("start the S3 server: it ended at once: %w: %s", s.child.Err, s.log)
		case <-ctx.Done():
			return fmt.Errorf("start the S3 server: %w: %s", ctx.Err(), s.log)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Stop lets requests finish and ends the server.
func (s *S3) Stop() error {
	_ = s.hold.Close()
	select {
	case <-s.child.Done:
		return nil
	case <-time.After(5 * time.Second):
		return s.child.Stop(time.Second)
	}
}

// Done is closed when the server has ended, whoever ended it.
func (s *S3) Done() <-chan struct{} { return s.child.Done }

// Client speaks to the server.
func (s *S3) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint), Region: s.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	})
}

// CreateBucket makes a bucket. One that exists is left as it is.
func (s *S3) CreateBucket(ctx context.Context, name string) error {
	_, err := s.Client().CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
	if owned := new(types.BucketAlreadyOwnedByYou); err != nil && !errors.As(err, &owned) {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	return nil
}

// endOfLog keeps the last of what a child printed, to explain why it ended.
type endOfLog struct {
	mu  sync.Mutex
	buf []byte
}

func (e *endOfLog) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	const most = 4 << 10
	e.buf = append(e.buf, p...)
	e.buf = e.buf[max(0, len(e.buf)-most):]
	return len(p), nil
}

func (e *endOfLog) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return string(bytes.TrimSpace(e.buf))
}
