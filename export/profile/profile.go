package profile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"offramp/internal/expression"
	"offramp/migration"
)

// Profile is a replacement's import profile, ready to make files. It is safe for concurrent use.
type Profile struct {
	files  []*File
	losses []Loss
}

// Files are the files in the programme's order.
func (p *Profile) Files() []*File { return p.files }

// Losses is what cannot be carried to the replacement, in the programme's order of datasets and columns.
func (p *Profile) Losses() []Loss { return p.losses }

// For lists the files that are made from a dataset's rows.
func (p *Profile) For(dataset string) []*File {
	var files []*File
	for _, f := range p.files {
		if f.Dataset == dataset {
			files = append(files, f)
		}
	}
	return files
}

// Compile prepares a replacement's profile. Programmes are checked with the same rules when they are read, so that findings
// are met only for programmes that an older version has stored. A replacement without a profile has no files and loses
// everything.
func Compile(r migration.Replacement, datasets []migration.Dataset) (*Profile, migration.Findings) {
	c := &compiler{replacement: r, datasets: datasets, read: map[string]map[string]bool{}}
	p := &Profile{}
	if r.Import != nil {
		for i := range r.Import.Files {
			if f := c.file(&r.Import.Files[i]); f != nil {
				p.files = append(p.files, f)
			}
		}
	}
	if len(c.findings) > 0 {
		return nil, c.findings
	}
	p.losses = c.losses()
	return p, nil
}

// compiler notes which columns are read while it compiles: the others are lost.
type compiler struct {
	replacement migration.Replacement
	datasets    []migration.Dataset
	read        map[string]map[string]bool // dataset -> column -> it is carried
	findings    migration.Findings
}

func (c *compiler) errorf(at, format string, args ...any) {
	c.findings = append(c.findings, migration.Finding{
		Path: fmt.Sprintf("replacements[%s].import.%s", c.replacement.Key, at), Message: fmt.Sprintf(format, args...), Level: migration.LevelError,
	})
}

func (c *compiler) file(f *migration.ImportFile) *File {
	at := fmt.Sprintf("files[%s]", f.Name)
	i := slices.IndexFunc(c.datasets, func(d migration.Dataset) bool { return d.Key == f.Dataset })
	if i < 0 {
		c.errorf(at+".dataset", "there is no dataset %q", f.Dataset)
		return nil
	}
	d := c.datasets[i]
	made := &File{Replacement: c.replacement.Key, Name: f.Name, Format: strings.TrimPrefix(path.Ext(f.Name), "."), Dataset: f.Dataset}
	var columns []expression.Column
	for _, col := range d.Columns {
		columns, made.columns = append(columns, expression.Column{Name: col.Name, Type: col.Type}), append(made.columns, col.Name)
	}
	rows, err := expression.Over(columns)
	if err != nil {
		c.errorf(at, "%v", err)
		return nil
	}
	if c.read[d.Key] == nil {
		c.read[d.Key] = map[string]bool{}
	}
	if f.Where != "" {
		if made.where, err = rows.Condition(f.Where); err != nil {
			c.errorf(at+".where", "%v", err)
		}
	}
	for _, col := range f.Columns {
		made.Columns = append(made.Columns, col.Name)
		made.cells = append(made.cells, c.cell(fmt.Sprintf("%s.columns[%s]", at, col.Name), d, rows, col))
	}
	made.needed = needed(made)
	return made
}

func (c *compiler) cell(at string, d migration.Dataset, rows *expression.Rows, col migration.ImportColumn) cell {
	made := cell{name: col.Name, from: -1}
	switch {
	case col.Constant != nil:
		made.constant = []byte(*col.Constant)
		return made
	case col.From != "":
		made.from = slices.IndexFunc(d.Columns, func(o migration.Column) bool { return o.Name == col.From })
		if made.from < 0 {
			c.errorf(at+".from", "the dataset has no column %q", col.From)
		}
		c.read[d.Key][col.From] = true
	default:
		var err error
		if made.value, err = rows.Value(col.Value); err != nil {
			c.errorf(at+".value", "%v", err)
			return made
		}
		for _, name := range made.value.Columns() {
			c.read[d.Key][name] = true
		}
	}
	if len(col.Map) > 0 {
		made.mapped = make(map[string][]byte, len(col.Map))
		for was, is := range col.Map {
			made.mapped[was] = []byte(is)
		}
	}
	if col.Otherwise != nil {
		made.otherwise = []byte(*col.Otherwise)
	}
	return made
}

// needed lists the places of the columns that expressions look at; the others need not be prepared for them.
func needed(f *File) []int {
	var places []int
	note := func(e *expression.Expression) {
		if e == nil {
			return
		}
		for _, name := range e.Columns() {
			if i := slices.Index(f.columns, name); !slices.Contains(places, i) {
				places = append(places, i)
			}
		}
	}
	note(f.where)
	for _, c := range f.cells {
		note(c.value)
	}
	return places
}
