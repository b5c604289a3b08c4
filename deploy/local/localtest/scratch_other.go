//go:build !linux

package localtest

func scratchBase() string { return "" }
