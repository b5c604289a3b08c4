package source

import (
	"context"
	"encoding/json"
	"errors"
)

// described asks for the metadata of so many objects at once; the rows come in order all the same.
const describedAhead = 16

// describing is an object whose metadata is on its way.
type describing struct {
	prefix string
	object
	done  chan struct{}
	found description
	err   error
}

// described reads rows with their metadata.
func (l *listed) described(ctx context.Context, q Query, yield func(values [][]byte) error) (n int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	queue, ended := make(chan *describing, describedAhead), make(chan error, 1)
	go func() {
		defer close(queue)
		ended <- l.each(ctx, q, func(prefix string, o object) error {
			d := &describing{prefix: prefix, object: o, done: make(chan struct{})}
			select {
			case queue <- d: // at most as many are under way as there are places
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			go func() {
				defer close(d.done)
				d.found, d.err = l.describe(ctx, o.key)
			}()
			return nil
		})
	}()
	defer func() {
		cancel()
		for d := range queue {
			<-d.done
		}
	}()
	row := rowOf{}
	for d := range queue {
		<-d.done
		values, err := row.described(d)
		if err != nil {
			return n, ofDataset(q.Dataset, err)
		}
		if err := yield(values); err != nil {
			return n, err
		}
		n++
	}
	return n, <-ended
}

// described adds the metadata. An object that has gone since it was listed has none; as an attachment it will be named.
func (r *rowOf) described(d *describing) ([][]byte, error) {
	values := append(r.values(d.prefix, d.object), nil, nil)
	var gone *ObjectError
	if errors.As(d.err, &gone) {
		return values, nil
	}
	if d.err != nil {
		return nil, d.err
	}
	if d.found.contentType != "" {
		values[5] = []byte(d.found.contentType)
	}
	metadata, err := json.Marshal(d.found.metadata)
	if d.found.metadata == nil {
		metadata = []byte("{}")
	}
	values[6] = metadata
	return values, err
}
