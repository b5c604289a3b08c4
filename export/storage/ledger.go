package storage

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// After calls fn for every object behind a name, in the order of their names; fn's error ends it.
func (a Archive) After(ctx context.Context, name string, fn func(name string, body []byte) error) error {
	return a.bucket.List(ctx, a.prefix, a.prefix+name, func(l Listed) error {
		object, err := a.bucket.Open(ctx, l.Key, 0)
		if err != nil {
			return err
		}
		defer func() { _ = object.Close() }()
		body, err := io.ReadAll(io.LimitReader(object, 1<<16))
		if err != nil {
			return fmt.Errorf("read %s: %w", l.Key, err)
		}
		return fn(strings.TrimPrefix(l.Key, a.prefix), body)
	})
}
