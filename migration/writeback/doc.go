// Package writeback delivers status changes to other systems. Each change left an event in the outbox, in the transaction
// of the change; the dispatcher spreads events into one delivery per sink and sends them as CloudEvents 1.0 in structured
// JSON, signed by the Standard Webhooks headers. An event says "changed, version n"; the receiver reads the state.
//
//	           +--tried, try again later--+
//	           v                          |
//	event -> pending --2xx--> delivered   |
//	           |---------any failure------+
//	           +--no try left--> parked --replay--> pending
//
// Promises: at least once; in order of version per sink and customer, except for what was parked; every try bears the
// event's own id, by which a receiver drops what it has seen. A receiver that answers 410 is switched off until someone
// switches it on; what happens meanwhile waits for it.
//
// Which sinks an event goes to is said by the version of the programme in effect, which the statement that makes the deliveries reads
// itself; no process's memory has a say. A process that was not told a sink's address and secret spreads events all the same and
// leaves that sink's deliveries to one that was. Compare holds events against their deliveries and makes what is missing.
//
// Run is a loop that every worker process starts, not a job per event: deliveries are claimed in batches by a lease with
// SKIP LOCKED, so any number of loops share the work, and that is several times faster than the queue. New events are
// found by looking four times a second, which costs less than a notification in each commit.
package writeback
