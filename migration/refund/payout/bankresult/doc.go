// Package bankresult reads what banks report about paid and returned transfers: ISO 20022 camt.054 notifications and CSV.
// Files come from people and are not trusted: they are read as a stream, with bounds on size, depth and length, without
// entities, and each fault names its line.
package bankresult
