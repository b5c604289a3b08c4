package main

import (
	"offramp/internal/jobs"
	"offramp/migration/replacement"
)

// choices is the service of step 3, with the installation's secrets for codes and hand-overs.
func (p *parts) choices(queue *jobs.Client) (*replacement.Service, error) {
	secret, before := p.config.Web.Secrets()
	return replacement.NewService(p.db, replacement.Options{
		Queue: queue, Journeys: p.journeys, Secret: secret, Before: before, Secrets: p.config.Replacements, Logger: p.log,
	})
}
