// Package archive writes one volume of an export and proves it again wherever it has travelled.
//
// # Layout
//
//	README.txt                              what this is, in English and Chinese
//	data/<dataset>.csv                      RFC 4180: UTF-8, CRLF, a header row; the machine copy, values untouched
//	data/<dataset>.spreadsheet.csv          on request: with a BOM, and cells defused that a spreadsheet would run
//	data/<dataset>.jsonl                    JSON Lines: one object a row
//	data/<dataset>.parquet                  on request: Apache Parquet
//	schema/<dataset>.json                   the columns: types, meanings, units, and how values are written
//	import/<replacement>/<name>             rows as a replacement imports them
//	attachments/<dataset>/<safe name>       the original bytes; the manifest has the original names
//	index.html                              a page for the eye, in the customer's language
//	viewer/                                 on request: all rows in chunks, and the script with which that page shows them
//	receipt.json                            what the source counted, what is here, what failed and why
//	manifest.json                           every file with its size, SHA-256 and place; always the last entry
//
// A dataset that is cut has a part in each name: data/tasks.part-02.csv. In an export of several volumes the files at the
// root carry the volume's number, index-02.html, and attachments lie under attachments/<dataset>/volume-02/, so that all
// volumes unpack into one folder and never meet.
//
// # Values
//
//	           CSV                      JSON Lines
//	NULL       nothing                  null
//	empty text ""                       ""
//	integer    12                       12, exact, also beyond 2^53
//	number     12.50, NaN, Infinity     12.50, "NaN", "Infinity", "-Infinity"
//	boolean    true, false              true, false
//	date       2026-03-01               "2026-03-01"
//	timestamp  2026-03-01T14:05:00.5    the same in quotes; it has no zone
//	instant    2026-03-01T14:05:00.5Z   the same in quotes; always UTC
//	duration   P1DT2H                   "P1DT2H"
//	binary     base64                   base64 in quotes
//	json       the document's text      the document itself
//	others     as text                  as text
//
// # Proof
//
// The archive is plain Zip64 that every tool opens, but its bytes follow from the manifest alone: entries lie back to
// back in the manifest's order, then the manifest, then the directory. So [Verify] writes each header again and compares
// byte by byte. The manifest also carries two checksums for each 64 KiB of everything before itself; from them a single
// changed byte can be found exactly, with the value it had, and any wider damage to within a block. The manifest is
// stored uncompressed with its own SHA-256 in the archive's comment. Only a forgery that rewrites all of these together
// goes unseen; against that the portal keeps the SHA-256 of the whole archive.
//
// Memory is constant but for the list of files: about 600 bytes for each, so that a volume should not have more than
// some ten thousand.
package archive
