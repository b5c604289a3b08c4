// Package export hands a customer a complete and provable copy of their data.
//
// A request is one row in one of six states. A worker builds it: it counts, reads every dataset from one snapshot, copies
// attachments, streams the archive into the bucket, reads it back and compares, and only then calls it ready.
//
//	   +------------ cancel ------------> cancelled
//	   |                |
//	queued --start--> running --seal--> ready --expire--> expired
//	 ^  ^               |  |
//	 |  +----delay------+  +--fail--> failed
//	 +------------------retry-----------+
//
// Every start counts an attempt, and the attempt fences what a worker may write: an attempt that was overtaken, or whose
// export was cancelled, finds its row changed, stops, and deletes its own object. So there is at most one ready object,
// whatever dies and whenever.
package export
