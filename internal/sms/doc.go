// Package sms hands short messages to a gateway over HTTP, whichever one the installation has configured, and knows what a number
// and a text come to.
//
// A message is handed over once by each call of Send. What it came to is one of four: accepted, refused (the gateway says no to this
// message), deferred (nothing was taken; it may be tried again) and unknown (it left, and no answer that can be read came). What is
// unknown is for a person: the gateway may have sent it.
package sms
