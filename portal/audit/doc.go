// Package audit holds the auditor's console: the log of who did what, one entry in full, and the check of its chain.
// Reading the log is recorded in it.
package audit
