// Package assistance holds customers' requests for help: what they ask, who answers, and the mails that follow. A request
// changes nothing on the customer's journey.
//
//	open --answered by staff--> answered --closed by the customer--> closed
//	  +------------closed by the customer----------------------------->
package assistance
