// Package console is what staff's consoles share: where each role may go, the shell around their pages, and the page that
// they arrive at.
package console
