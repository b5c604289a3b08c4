package main

import (
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Help shows an example.
func (versionCmd) Help() string { return "Example:\n  offramp version" }

// Run prints version, commit and toolchain, as the build recorded them.
func (versionCmd) Run(c *console) error { //nolint:unparam // the shape that kong calls
	version, commit := buildVersion()
	c.printf("offramp %s (commit %s, %s %s/%s)\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

func buildVersion() (version, commit string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown", "unknown"
	}
	version, commit = info.Main.Version, "unknown"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			commit = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			commit += "+changes"
		}
	}
	return version, commit
}
