// Package assistance holds customers' requests for help about anything: what they ask, the conversation that follows, who answers
// until when, and the mails about it. A request changes nothing on the customer's journey.
//
//	open --answered by staff--> answered --settled by either side--> closed
//	  ^ ^------the customer writes----+                                 |
//	  +-----------------the customer writes: reopened-------------------+
//	open --settled by either side--> closed
//
// A round goes from a request's opening, or reopening, to its end. Its times count working hours alone; the time in which the customer
// needed no more after an answer is not ours.
package assistance
