//go:build !linux

package main

// shedProgram is for Linux alone.
func shedProgram() {}
