// Package bankfile writes and checks ISO 20022 customer credit transfer initiations (pain.001.001.09), the files with
// which a bank is asked to pay a batch of refunds.
//
// The same batch gives the same bytes. A file is judged by Check, which shares no code with the writer: it reads the file
// back as a stream, element by element, and counts and adds up for itself.
package bankfile
