package archive

import (
	"encoding/json"
	"fmt"
)

const schemaSchema = "offramp-schema/1"

// tableSchema describes a dataset's files so that a program can load them. Where the Table Schema and the CSV Dialect of the
// Data Package standard, version 2, have a word for a thing, it is theirs.
// Source: https://datapackage.org/standard/table-schema/ and /csv-dialect/.
type tableSchema struct {
	Schema   string        `json:"schema"`
	Dataset  string        `json:"dataset"`
	Title    string        `json:"title,omitempty"`
	Part     int           `json:"part,omitempty"`
	Parts    int           `json:"parts,omitempty"`
	Rows     int64         `json:"rows"`
	Files    []schemaFile  `json:"files"`
	Encoding string        `json:"encoding"`
	Dialect  schemaDialect `json:"dialect"`
	Null     schemaNull    `json:"null"`
	Missing  []string      `json:"missingValues"`
	Fields   []schemaField `json:"fields"`
}

type schemaFile struct {
	Path   string `json:"path"`
	Format string `json:"format"`
	Kind   Kind   `json:"kind"`
	Rows   int64  `json:"rows"`
}

type schemaDialect struct {
	Delimiter   string `json:"delimiter"`
	Terminator  string `json:"lineTerminator"`
	Quote       string `json:"quoteChar"`
	DoubleQuote bool   `json:"doubleQuote"`
	Header      bool   `json:"header"`
}

// schemaNull says how each format writes that there is no value.
type schemaNull struct {
	CSV       string `json:"csv"`
	JSONLines string `json:"jsonl"`
	Parquet   string `json:"parquet"`
}

// schemaField is a column: name, type, format and description are Table Schema's, the rest is ours.
type schemaField struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Format      string   `json:"format,omitempty"`
	Description string   `json:"description,omitempty"`
	TrueValues  []string `json:"trueValues,omitempty"`
	FalseValues []string `json:"falseValues,omitempty"`
	Unit        string   `json:"unit,omitempty"`
	Kind        string   `json:"kind"` // our type
	CSV         string   `json:"csv"`
	JSONLines   string   `json:"jsonl"`
	Parquet     string   `json:"parquet"`
}

// fieldForms are the types of Table Schema, and the text forms, for each of our types.
var fieldForms = map[string]schemaField{
	"text":      {Type: "string", CSV: "as it is", JSONLines: "string"},
	"integer":   {Type: "integer", CSV: "-12", JSONLines: "number, exact beyond 2^53"},
	"number":    {Type: "number", CSV: "12.50, NaN, Infinity or -Infinity", JSONLines: "number with all its digits; NaN and infinities as strings"},
	"boolean":   {Type: "boolean", TrueValues: []string{"true"}, FalseValues: []string{"false"}, CSV: "true or false", JSONLines: "true or false"},
	"date":      {Type: "date", CSV: "2026-03-01", JSONLines: "string"},
	"time":      {Type: "string", CSV: "14:05:00.5, with a zone if it has one", JSONLines: "string"},
	"timestamp": {Type: "datetime", CSV: "2026-03-01T14:05:00.5, without a zone", JSONLines: "string"},
	"instant":   {Type: "datetime", CSV: "2026-03-01T14:05:00.5Z, always UTC", JSONLines: "string"},
	"duration":  {Type: "duration", CSV: "P1DT2H, ISO 8601", JSONLines: "string"},
	"binary":    {Type: "string", Format: "binary", CSV: "base64", JSONLines: "string, base64"},
	"json":      {Type: "any", CSV: "the document's text", JSONLines: "the document"},
	"uuid":      {Type: "string", Format: "uuid", CSV: "lower-case with hyphens", JSONLines: "string"},
}

// addSchema describes the dataset added last, whose files are the last ones.
func (a *Writer) addSchema(d Listed) error {
	s := tableSchema{
		Schema: schemaSchema, Dataset: d.Name, Title: d.Title, Part: d.Part, Parts: d.Parts, Rows: d.Rows,
		Encoding: "utf-8", Missing: []string{""}, Files: []schemaFile{}, Fields: make([]schemaField, len(d.Columns)),
		Dialect: schemaDialect{Delimiter: ",", Terminator: "\r\n", Quote: `"`, DoubleQuote: true, Header: true},
		Null:    schemaNull{CSV: `an empty field without quotes; "" is an empty text`, JSONLines: "null", Parquet: "null"},
	}
	for _, f := range a.manifest.Files {
		if f.Dataset == d.Name && f.Part == d.Part && (f.Kind == KindMachine || f.Kind == KindSpreadsheet) {
			s.Files = append(s.Files, schemaFile{Path: f.Path, Format: f.Format, Kind: f.Kind, Rows: *f.Rows})
		}
	}
	for i, c := range d.Columns {
		s.Fields[i] = newSchemaField(c)
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("archive: schema of %q: %w", d.Name, err)
	}
	file := File{Path: partPath("schema/"+d.Name, ".json", d.Part, d.Parts), Kind: KindSchema, Format: "json", Dataset: d.Name, Part: d.Part}
	return a.addSized(file, content(append(text, '\n')))
}

func newSchemaField(c Column) schemaField {
	f, ok := fieldForms[c.Type]
	if !ok {
		f = fieldForms["text"]
	}
	f.Name, f.Description, f.Unit, f.Kind = c.Name, c.Meaning, c.Unit, c.Type
	f.Parquet = newParquetColumn(c).kind
	return f
}
