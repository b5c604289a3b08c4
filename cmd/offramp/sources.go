package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"offramp/export/connect"
	"offramp/migration"
)

// finding is one thing that is wrong with what a programme asks of its sources, or, as a warning, only slow.
type finding struct {
	line    int    // in the programme file; 0: a source as a whole
	place   string // such as "datasets[invoices]"
	warning string
	err     error
}

// String writes the place and what is wrong there.
func (f finding) String() string {
	if f.err == nil {
		return fmt.Sprintf("%s: warning: %s", f.place, f.warning)
	}
	if f.place == "" {
		return f.err.Error()
	}
	return fmt.Sprintf("%s: %s", f.place, f.err)
}

// trySources tries everything that the programme asks of its sources. A source that cannot be reached is named once,
// and its queries are not tried.
func (p *parts) trySources(ctx context.Context, programme *migration.Programme) (findings []finding) {
	sources := p.sources()
	defer sources.Close()
	down := map[string]bool{}
	for _, key := range rowSources(programme) {
		if err := ping(ctx, sources, key); err != nil {
			down[key] = true
			findings = append(findings, finding{err: p.sourceTrouble(key, err)})
		}
	}
	reachable := *programme
	reachable.Datasets = slices.DeleteFunc(slices.Clone(programme.Datasets), func(d migration.Dataset) bool { return down[d.Source] })
	reachable.Features = slices.DeleteFunc(slices.Clone(programme.Features), func(f migration.Feature) bool { return f.SQL == "" || down[f.Source] })
	if reachable.Customers != nil && down[reachable.Customers.Source] {
		reachable.Customers = nil
	}
	if reachable.Entitlements != nil && down[reachable.Entitlements.Source] {
		reachable.Entitlements = nil
	}
	for _, problem := range sources.CheckProgramme(ctx, &reachable) {
		f := finding{place: problem.Path, warning: problem.Message}
		asked := ""
		if reachable.Customers != nil {
			asked = reachable.Customers.Source
		}
		if problem.Path == "entitlements" {
			asked = reachable.Entitlements.Source
		}
		if d := datasetAt(&reachable, problem.Path); d != nil {
			f.place, asked = "datasets["+d.Key+"]", d.Source
			if strings.HasSuffix(problem.Path, ".files") {
				f.place, asked = f.place+".files", d.Files.Source
			}
		}
		if feature := featureAt(&reachable, problem.Path); feature != nil {
			f.place, asked = "features["+feature.Key+"]", feature.Source
		}
		f.line = lineOf(programme, f.place)
		if problem.Err != nil {
			f.err = p.sourceTrouble(asked, problem.Err)
		}
		findings = append(findings, f)
	}
	return findings
}

// rowSources are the keys of the databases that the programme names, each once.
func rowSources(programme *migration.Programme) []string {
	var keys []string
	for _, d := range programme.Datasets {
		keys = append(keys, d.Source)
	}
	for _, f := range programme.Features {
		if f.SQL != "" {
			keys = append(keys, f.Source)
		}
	}
	if programme.Customers != nil {
		keys = append(keys, programme.Customers.Source)
	}
	if programme.Entitlements != nil {
		keys = append(keys, programme.Entitlements.Source)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func ping(ctx context.Context, sources *connect.Sources, key string) error {
	db, err := sources.Rows(ctx, key)
	if err != nil {
		return err
	}
	return db.Ping(ctx)
}

func sourceVariable(key string) string { return "OFFRAMP_SOURCE_" + strings.ToUpper(key) + "_URL" }

// sourceTrouble explains what the source with this key did.
func (p *parts) sourceTrouble(key string, err error) error {
	if _, ok := p.config.Sources[key]; !ok {
		return &trouble{
			what: fmt.Sprintf("source %q of the programme has no address", key),
			mend: "set " + sourceVariable(key) + ", such as postgres://reader:password@host:5432/product",
		}
	}
	return sourceTrouble(p.sourceName(key), sourceVariable(key), err)
}

// sourceName is a source as operators know it: by its key and, where it has an address, its host.
func (p *parts) sourceName(key string) string {
	name := fmt.Sprintf("source %q", key)
	if u, err := url.Parse(p.config.Sources[key]); err == nil && u.Host != "" {
		name += " at " + u.Host
	}
	return name
}

var datasetPath = regexp.MustCompile(`^datasets\[(\d+)\]`)

// datasetAt finds the dataset that a path such as "datasets[2].files" means.
func datasetAt(programme *migration.Programme, path string) *migration.Dataset {
	m := datasetPath.FindStringSubmatch(path)
	if m == nil {
		return nil
	}
	var n int
	if _, err := fmt.Sscan(m[1], &n); err != nil || n >= len(programme.Datasets) {
		return nil
	}
	return &programme.Datasets[n]
}

var featurePath = regexp.MustCompile(`^features\[(\d+)\]$`)

// featureAt finds the feature that a path such as "features[2]" means.
func featureAt(programme *migration.Programme, path string) *migration.Feature {
	m := featurePath.FindStringSubmatch(path)
	if m == nil {
		return nil
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n >= len(programme.Features) {
		return nil
	}
	return &programme.Features[n]
}

// lineOf is where the file asks the question that a place names.
func lineOf(programme *migration.Programme, place string) int {
	for _, path := range []string{place + ".query", place} {
		if line := programme.Line(path); line > 0 {
			return line
		}
	}
	return 0
}

// grave counts the findings that are more than warnings.
func grave(findings []finding) int {
	n := 0
	for _, f := range findings {
		if f.err != nil {
			n++
		}
	}
	return n
}
