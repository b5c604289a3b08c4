// Package profile makes files for a replacement out of a dataset's rows, as the programme's import profiles say, and names
// what has no place in them.
//
// A profile is compiled once and used for any number of rows by any number of readers. Columns that are copied or constant
// cost next to nothing; only those that compute a value run an expression (see internal/expression). The files are for
// machines: values are not changed to please spreadsheets.
package profile
