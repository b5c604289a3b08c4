// Package jobs is the queue: River on the application's own database and pool. A job is enqueued in the transaction of
// its cause, so that neither exists without the other.
//
// A worker that dies gives its jobs back within seconds. Each working client holds a session advisory lock under its name
// on a connection of its own; PostgreSQL drops the lock when the process dies. Every client looks twice a second for
// running jobs whose worker holds no lock, and returns them after a grace of two seconds, in which a worker that only lost
// its connection takes its lock again.
//
//	available --fetched--> running --done--> completed
//	    ^                     |
//	    +---- worker died ----+---- and no attempt is left --> discarded
//
// River's own rescue by age is off (JobTimeout -1): it could not tell a long export from a dead one.
//
// River does not fence what an attempt reports: an attempt that was given to another worker meanwhile would settle the
// other's job. The client therefore checks, before an attempt reports, that the job is still its own if its lock was lost
// in between. Results outside the queue are fenced by their owners, with a number of their own: River counts an attempt
// that ended with the worker's shutdown not at all, so its attempt numbers may repeat.
//
// The lock and LISTEN need sessions: the database address must not lead through a pooler in transaction mode.
package jobs
