package main

import (
	"offramp/internal/jobs"
	"offramp/migration/replacement"
)

// choices is the service of step 3, with the installation's secrets for codes and hand-overs.
func (p *parts) choices(queue *jobs.Client) (*replacement.Service, error) {
	secret, before := p.config.Web.Secrets()
	box, err := replacement.NewBox(secret, before...)
	if err != nil {
		return nil, err
	}
	return replacement.NewService(p.db, queue, p.journeys, box, secret), nil
}
