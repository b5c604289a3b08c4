package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"offramp/export/connect"
	"offramp/export/source"
	"offramp/export/storage"
	"offramp/internal/clock"
	"offramp/internal/config"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/logging"
	"offramp/internal/mail/report"
	"offramp/internal/outbound"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/replacement"
	"offramp/migration/writeback"
)

// parts are what most commands stand on.
type parts struct {
	config     config.Config
	log        *slog.Logger
	db         *db.DB
	programmes *migration.Programmes
	journeys   *migration.Service
}

// open loads a command's configuration and reaches the database.
func (c *console) open(command string) (*parts, error) {
	cfg, err := c.config(command)
	if err != nil {
		return nil, err
	}
	return c.reach(cfg, command)
}

// reach opens the database of a configuration.
func (c *console) reach(cfg config.Config, command string) (*parts, error) {
	log, outage := logging.NewCalm(c.out, logging.Level(cfg.Log.Level))
	d, err := db.Open(c.ctx, cfg.Database.URL, db.Options{
		MaxConns: cfg.Database.MaxConns, Clock: clock.Shifted(cfg.Clock.Shift), Name: "offramp " + command, Up: outage.Answered,
	})
	if err != nil {
		return nil, orAsIs(databaseTrouble(placeOf("OFFRAMP_DATABASE_URL", cfg.Database.URL), err), err)
	}
	programmes := migration.NewProgrammes(d)
	programmes.Corrects(notice.NewService(d, programmes, cfg.Web.URL, report.Seals{}))
	return &parts{
		config: cfg, log: log.With("process", command), db: d, programmes: programmes, journeys: migration.NewService(d),
	}, nil
}

func (p *parts) close() { p.db.Close() }

// bucket opens the store for exports.
func (p *parts) bucket(ctx context.Context) (*storage.Bucket, error) {
	return storage.Open(ctx, p.storage())
}

// storage is where the store for exports is.
func (p *parts) storage() storage.Config {
	s := p.config.Storage
	return storage.Config{
		Endpoint: s.Endpoint, PublicEndpoint: s.PublicEndpoint, Region: s.Region, Bucket: s.Bucket,
		AccessKey: s.AccessKey, SecretKey: s.SecretKey, PathStyle: s.PathStyle,
	}
}

// sources are the places of the retired product's data.
func (p *parts) sources() *connect.Sources {
	allow, _ := p.allowed() // the configuration was checked when it was read
	away := outbound.Dialer(outbound.Options{Allow: allow})
	return connect.New(p.config.Sources, source.Options{Away: away}).WithHeaders(p.config.SourceHeaders).WithPace(p.db, p.log)
}

// outbound is the client for calls to other systems.
func (p *parts) outbound() (*http.Client, error) {
	allow, err := p.allowed()
	if err != nil {
		return nil, err
	}
	return outbound.NewClient(outbound.Options{Allow: allow}), nil
}

// allowed are the private networks that we may call.
func (p *parts) allowed() (allow []netip.Prefix, err error) {
	for _, cidr := range p.config.Outbound.Allow {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, fmt.Errorf("OFFRAMP_OUTBOUND_ALLOW: %w", err)
		}
		allow = append(allow, prefix)
	}
	return allow, nil
}

// sinks delivers status changes, as the worker of that name, and tells how they fare.
func (p *parts) sinks(worker string, client *http.Client) *writeback.Service {
	return writeback.New(p.db, writeback.Options{
		Worker: worker, End: p.sinkEnd, Record: p.programmes.RecordSinks, Client: client, Source: p.config.Web.URL, Logger: p.log,
	})
}

// sinkEnd is what the configuration says of a sink.
func (p *parts) sinkEnd(name string) writeback.Sink {
	end := p.config.Sinks[strings.ToLower(name)]
	return writeback.Sink{Name: name, URL: end.URL, Secret: end.Secret}
}

// inner serves metrics and health on their own listener until ctx ends.
func inner(ctx context.Context, address string, metrics prometheus.Gatherer, live, ready http.Handler) error {
	if address == "off" {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return listenTrouble("OFFRAMP_WEB_METRICS", address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.Handle("GET /livez", live)
	mux.Handle("GET /readyz", ready)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }()
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	return nil
}

// choices is the service of step 3, with the installation's secrets for codes and hand-overs.
func (p *parts) choices(queue *jobs.Client) (*replacement.Service, error) {
	secret, before := p.config.Web.Secrets()
	return replacement.NewService(p.db, replacement.Options{
		Queue: queue, Journeys: p.journeys, Secret: secret, Before: before, Secrets: p.config.Replacements, Logger: p.log,
	})
}
