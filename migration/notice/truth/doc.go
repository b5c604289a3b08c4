// Package truth keeps what is known of each message after it was handed over: what servers answered, what came back later, and
// which addresses nothing is sent to any more.
//
// Every piece of news is a fact: who said what of which mail, and when. Facts are only ever added; the state of a delivery is the
// furthest that they prove, whatever order they come in. A report from outside counts only with a proof (see internal/mail/report),
// and leaves a number otherwise.
package truth
