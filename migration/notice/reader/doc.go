// Package reader keeps what the people of a customer decide about messages to them: their phone number, whether short messages may
// come there, and who gets what.
//
//	number   given --the code that was sent there is entered--> confirmed --removed--> none
//	consent  none --the person agrees, or the import states the day--> given --in the portal, or STOP as a reply--> withdrawn
//
// Short messages go only to a number whose person has consented. What a person did counts more than what an import says later.
package reader
