//go:build !linux

package main

// dieWithParent is left to the terminal's hang-up on systems other than Linux.
func dieWithParent() {}
