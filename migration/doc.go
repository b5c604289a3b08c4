// Package migration is the core on which every other noun stands: the programme (one retirement of one product), the
// customers it affects with their contacts, and the journey of each customer through five steps.
//
// A journey is stored as append-only events with a folded row (see Journey). Everything that a page, a report, a reminder
// or another system learns about a customer comes from that row and its version number.
package migration
