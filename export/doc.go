// Package export hands a customer a complete and provable copy of their data.
//
// A request is one row in one of six states. A worker counts, cuts the export into volumes, reads every dataset from
// one snapshot, copies attachments, streams each volume's archive into the bucket, reads it back and compares, and only
// when the last one is proven calls the export ready.
//
//	            +------------ cancel ------------> cancelled
//	            |                |
//	request> queued --start--> running --seal--> ready --expire, delete--> expired
//	          ^  ^               |  |
//	          |  +-hand over,----+  +--fail--> failed
//	          |    delay                         |
//	          +---------------retry--------------+
//
// Every start counts an attempt, and the attempt fences what a worker may write: an attempt that was overtaken, or
// whose export was cancelled, finds its row changed, stops, and deletes its own objects. So there is at most one ready
// object for each volume, whatever dies and whenever.
//
// # Volumes
//
// Most exports are one volume, built by the job that began the attempt. A job that finds an export large hands it over
// to the queue of large ones. There the job that plans it, its leader, stores all volumes at once, together with the
// names of its snapshots, and calls for helpers. Leader and helpers each join the snapshots, claim one volume after the
// other, and keep the snapshots open until nothing is left:
//
//	waiting --claim--> building --seal--> sealed      the transaction that seals the last volume makes the export ready
//	   ^                  |
//	   +----- release ----+   in trouble or at a shutdown; of a builder that died, the next claim takes it
//
// A volume has a fence of its own, the number of its tries. When the leader's worker dies, its job runs again
// elsewhere, joins by the name of any snapshot that somebody still holds, and goes on: what is sealed stays. When
// nobody holds them any more, the instant is lost; a new attempt begins and plans afresh, since all volumes must show
// one instant.
//
// Sources whose snapshots nobody can join are read by the leader alone (lane); sources that need no joining are opened
// by each job for itself.
//
// # Trouble
//
// Trouble of an export with one volume ends the attempt, which the queue repeats. Trouble with one of several volumes
// ends the try of that volume only: with the bucket, the job waits and tries again with the snapshots it has; with a
// source, the job is repeated and joins again. Every job may meet the same trouble once before it counts as one of the
// export's tries.
package export
