// Package spreadsheet knows what spreadsheet programs do to files: how they write the tables that we read, what they do to
// values on the way, and what they would run of the tables that we write. Every CSV file that enters or leaves goes through it.
package spreadsheet
