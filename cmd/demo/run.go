package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"offramp/deploy/examples"
	"offramp/deploy/local"
	"offramp/deploy/local/product"
)

const (
	productDatabase = "hezhou"
	productBucket   = "hezhou-files"
)

// run prepares the folder and shows the demonstration in it until ctx ends.
func run(ctx context.Context, getenv func(string) string) error {
	set, err := readSettings(getenv)
	if err != nil {
		return err
	}
	lock, err := lockFolder(set.dir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if set.shift, err = clockShift(set.dir, set.now); err != nil {
		return err
	}
	if err := addressFree(ctx, set.address); err != nil {
		return err
	}
	if set.ready != "" {
		_ = os.Remove(set.ready)
	}
	return show(ctx, set)
}

// show starts everything, says where it is, and waits for the end.
func show(ctx context.Context, set settings) (err error) {
	began, ready := time.Now(), false
	defer func() {
		if err != nil && !ready && ctx.Err() != nil { // told to stop while starting, which breaks off whatever was under way
			err = ctx.Err()
		}
	}()
	users, accounts := staffUsers()
	stack, err := local.StartStack(ctx, local.StackOptions{
		Dir: set.dir, Binary: set.binary, Address: set.address, Shift: set.shift, Staff: users, Say: say,
	})
	if err != nil {
		return err
	}
	defer func() {
		say("Stopping ...")
		if stopped := stack.Stop(); err == nil {
			err = stopped
		}
		say("Stopped. The data stays in " + set.dir + "; make demo-reset removes it.")
	}()
	customers, err := retire(ctx, stack, set.rows)
	if err != nil {
		return err
	}
	if err := stack.StartPortal(ctx); err != nil {
		return fmt.Errorf("%w; see %s", err, filepath.Join(set.dir, "offramp.log"))
	}
	for _, name := range []string{"worker-1", "worker-2"} {
		if err := keepWorker(ctx, stack, name); err != nil {
			return err
		}
	}
	report := describe(stack, append(customers, accounts...))
	if set.ready != "" {
		if err := writeReady(set.ready, report); err != nil {
			return err
		}
	}
	printReport(os.Stdout, report, set, time.Since(began))
	ready = true
	<-ctx.Done()
	return nil
}

func say(text string) { fmt.Println("  " + text) }

// retire makes the product that is being retired, applies its programme and imports its customers.
func retire(ctx context.Context, stack *local.Stack, rows int) ([]account, error) {
	if err := stack.Postgres.CreateDatabase(ctx, productDatabase); err != nil {
		return nil, err
	}
	if err := stack.S3.CreateBucket(ctx, productBucket); err != nil {
		return nil, err
	}
	owner := stack.Postgres.URL(productDatabase, local.SuperRole)
	if err := product.Load(ctx, owner, product.Options{Largest: rows, Store: stack.S3.Shelf(productBucket), Say: say}); err != nil {
		return nil, err
	}
	endpoint, err := url.Parse(stack.S3.Endpoint)
	if err != nil {
		return nil, err
	}
	files := url.URL{
		Scheme: "s3+http", User: url.UserPassword(stack.S3.AccessKey, stack.S3.SecretKey), Host: endpoint.Host,
		Path: "/" + productBucket, RawQuery: "region=" + stack.S3.Region,
	}
	stack.Env["OFFRAMP_SOURCE_PRODUCT_URL"] = stack.Postgres.URL(productDatabase, product.Reader)
	stack.Env["OFFRAMP_SOURCE_FILES_URL"] = files.String()
	users, accounts, err := customerUsers(ctx, owner)
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		stack.Customer.SetUser(u)
	}
	return accounts, apply(ctx, stack)
}

// apply stores the programme. In the demonstration its second person is a machine.
func apply(ctx context.Context, stack *local.Stack) error {
	say("Applying the programme and importing its customers ...")
	file, err := os.CreateTemp("", "hezhou-*.yaml")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.Write(examples.Hezhou); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	stack.Env["OFFRAMP_DEMO_SELF_APPROVAL"] = "yes"
	defer delete(stack.Env, "OFFRAMP_DEMO_SELF_APPROVAL")
	if _, err := stack.Run(ctx, "apply", "-f", file.Name(), "--by", "demo", "--approve-as", "demo-second-person"); err != nil {
		return err
	}
	_, err = stack.Run(ctx, "import", "--by", "demo")
	return err
}

// keepWorker starts a worker, and starts it again when somebody kills it.
func keepWorker(ctx context.Context, stack *local.Stack, name string) error {
	worker, err := stack.StartWorker(name)
	if err != nil {
		return err
	}
	go func() {
		select {
		case <-ctx.Done():
		case <-worker.Done():
			if ctx.Err() == nil {
				say(name + " has ended; its jobs come back by themselves. Starting it again in five seconds.")
				select {
				case <-ctx.Done():
				case <-time.After(5 * time.Second):
					_ = keepWorker(ctx, stack, name)
				}
			}
		}
	}()
	return nil
}

// writeReady writes the report so that a reader sees all of it or nothing.
func writeReady(path string, r report) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("write OFFRAMP_DEMO_READY: %w", err)
	}
	return os.Rename(path+".new", path)
}
