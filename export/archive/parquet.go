package archive

import (
	"io"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

const (
	// groupSize bounds the values of a row group, before compression: what a reader must hold, and so must we.
	groupSize = 8 << 20
	// batchRows and batchSize bound the values that are handed to the library at once.
	batchRows = 64
	batchSize = 64 << 10
	pageSize  = 128 << 10
)

// parquetFormat writes Apache Parquet in row groups of bounded size. A column's type follows from its declared type alone,
// never from its values, so that the parts of a dataset have one schema.
type parquetFormat struct {
	dataset Dataset
	columns []parquetColumn
	schema  *parquet.Schema

	w     *parquet.GenericWriter[any]
	batch []parquet.Row
	arena []byte // the batch's values
	group int    // bytes of values in the row group
}

func newParquet(d Dataset) *parquetFormat {
	f := &parquetFormat{dataset: d, columns: make([]parquetColumn, len(d.Columns))}
	root := orderedGroup{Group: parquet.Group{}}
	for i, c := range d.Columns {
		f.columns[i] = newParquetColumn(c)
		root.fields = append(root.fields, parquetField{Node: parquet.Optional(f.columns[i].node), name: c.Name})
	}
	f.schema = parquet.NewSchema(d.Name, root)
	f.batch = make([]parquet.Row, 0, batchRows)
	return f
}

// begin implements direct.
func (f *parquetFormat) begin(w io.Writer) error {
	options := []parquet.WriterOption{
		f.schema, parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(pageSize), parquet.CreatedBy("offramp", "", ""),
		parquet.KeyValueMetadata("offramp.dataset", f.dataset.Name),
	}
	config, err := parquet.NewWriterConfig(options...)
	if err != nil {
		return err
	}
	f.w, f.batch, f.arena, f.group = parquet.NewGenericWriter[any](w, config), f.batch[:0], f.arena[:0], 0
	return nil
}

// write implements direct. A row that fails leaves nothing behind.
func (f *parquetFormat) write(values [][]byte) error {
	n, mark := len(f.batch), len(f.arena)
	f.batch = f.batch[:n+1]
	row := f.batch[n][:0]
	for i, v := range values {
		value := parquet.NullValue().Level(0, 0, i)
		if v != nil {
			made, err := f.columns[i].value(&f.arena, v)
			if err != nil {
				f.batch, f.arena = f.batch[:n], f.arena[:mark]
				return err
			}
			value = made.Level(0, 1, i)
		}
		row = append(row, value)
	}
	f.batch[n] = row
	f.group += len(f.arena) - mark + 8*len(values)
	if len(f.batch) < batchRows && len(f.arena) < batchSize {
		return nil
	}
	if err := f.hand(); err != nil {
		return err
	}
	if f.group < groupSize {
		return nil
	}
	f.group = 0
	return f.w.Flush()
}

// hand gives the batch to the library, which copies it.
func (f *parquetFormat) hand() error {
	_, err := f.w.WriteRows(f.batch)
	f.batch, f.arena = f.batch[:0], f.arena[:0]
	if cap(f.arena) > 4*batchSize { // a giant row's
		f.arena = nil
	}
	return err
}

// end implements direct.
func (f *parquetFormat) end() error {
	if err := f.hand(); err != nil {
		return err
	}
	return f.w.Close()
}

// orderedGroup keeps the columns' order, which the library's own group sorts by name.
type orderedGroup struct {
	parquet.Group
	fields []parquetField
}

// Fields returns the columns in their order.
func (g orderedGroup) Fields() []parquet.Field {
	out := make([]parquet.Field, len(g.fields))
	for i := range g.fields {
		out[i] = &g.fields[i]
	}
	return out
}

// GoType is not used: rows are given as values, and names need not be those of Go.
func (orderedGroup) GoType() reflect.Type { return reflect.TypeFor[map[string]any]() }

type parquetField struct {
	parquet.Node
	name string
}

// Name is the column's.
func (f *parquetField) Name() string { return f.name }

// Value is not used: rows are given as values.
func (f *parquetField) Value(reflect.Value) reflect.Value { return reflect.Value{} }
