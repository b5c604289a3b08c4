// Package manager holds the console of programme managers: the programme in effect, the version that waits for a second
// person with everything that it changes, and all versions before.
package manager
