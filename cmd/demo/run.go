package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"offramp/deploy/local"
	"offramp/deploy/local/product"
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

// retire makes the product that is being retired, and lets its people sign in.
func retire(ctx context.Context, stack *local.Stack, rows int) ([]account, error) {
	people, err := product.Stage(ctx, stack, product.StageOptions{Rows: rows, Say: say})
	if err != nil {
		return nil, err
	}
	users, accounts := customerUsers(people)
	for _, u := range users {
		stack.Customer.SetUser(u)
	}
	return accounts, nil
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
