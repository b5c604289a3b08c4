package portal

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"offramp/auth"
	"offramp/migration"
	"offramp/portal/api"
	"offramp/portal/banner"
	"offramp/portal/customer"
	"offramp/portal/customer/inbox"
	"offramp/portal/customer/settle"
	"offramp/portal/help"
	"offramp/portal/page"
	"offramp/portal/signin"
	"offramp/portal/trail"
)

// Sessions is what the portal asks of auth with each request.
type Sessions interface {
	// Resolve returns the session behind a cookie; auth.ErrSignedOut, auth.ErrDisabled or auth.ErrNoRole otherwise.
	// touch keeps it from idling out; also is answered in the same round trip.
	Resolve(ctx context.Context, cookie string, touch bool, also ...auth.Also) (auth.Session, error)
	// SaveProfile stores the language and zone that a person has chosen.
	SaveProfile(ctx context.Context, s auth.Session, p auth.Profile) error
}

// Options are the parts that the server is made of. All are needed unless a comment says otherwise.
type Options struct {
	Kit      *page.Kit
	Sessions Sessions
	Customer *customer.Pages
	Settle   *settle.Pages
	Trail    *trail.Pages
	Inbox    *inbox.Pages
	Banner   *banner.Pages
	SignIn   *signin.Pages // New sets its Known
	Consoles *Consoles
	API      *api.Pages // nil: no program is answered
	Log      *slog.Logger
	Metrics  prometheus.Registerer           // nil: nothing is measured
	Ping     func(ctx context.Context) error // whether the database answers
	Limits   Limits                          // the zero value bounds nothing
	Proxies  []netip.Prefix                  // whose X-Forwarded-For is believed; none: nobody's
	Hosts    []string                        // names by which browsers may ask for us, with a port unless it is the scheme's; none: any
}

// Server answers requests. It is safe for concurrent use.
type Server struct {
	kit      *page.Kit
	sessions Sessions
	customer *customer.Pages
	help     *help.Pages
	refunds  *settle.Pages
	inbox    *inbox.Pages
	banner   *banner.Pages
	trail    *trail.Pages
	signIn   *signin.Pages
	consoles *Consoles
	api      *api.Pages
	log      *slog.Logger
	ping     func(ctx context.Context) error
	measured *prometheus.HistogramVec
	cross    *http.CrossOriginProtection
	limits   Limits
	hosts    []string
	echo     *echo.Echo
	routes   []Route
}

// complete reports whether every part is there without which there is no portal.
func (o Options) complete() bool {
	return o.Kit != nil && o.Sessions != nil && o.Customer != nil && o.Settle != nil && o.Inbox != nil && o.Trail != nil && o.Banner != nil &&
		o.SignIn != nil && o.Consoles != nil && o.Log != nil && o.Ping != nil
}

// New builds the server from its parts.
func New(o Options) (*Server, error) {
	if !o.complete() {
		return nil, errors.New("portal: a part is missing")
	}
	s := &Server{
		kit: o.Kit, sessions: o.Sessions, customer: o.Customer, help: &help.Pages{Kit: o.Kit, Help: o.Customer.Help, Exports: o.Customer.Exports}, refunds: o.Settle, inbox: o.Inbox, trail: o.Trail, banner: o.Banner, signIn: o.SignIn, consoles: o.Consoles, log: o.Log, ping: o.Ping,
		cross: http.NewCrossOriginProtection(), limits: o.Limits, hosts: o.Hosts,
	}
	if s.api = o.API; s.api == nil {
		s.api = &api.Pages{}
	}
	if err := s.measure(o.Metrics); err != nil {
		return nil, err
	}
	s.echo = page.NewEcho()
	s.echo.IPExtractor = page.ClientAddress(o.Proxies)
	s.echo.Pre(s.observe, s.addressed, s.sameSite, s.canonical)
	s.signIn.Known = s.landing
	s.routes = append(s.list(), s.consoles.list()...)
	for _, r := range s.routes {
		s.echo.Add(r.Method, r.Path, s.enter(r))
		if r.Method == http.MethodGet {
			s.echo.Add(http.MethodHead, r.Path, s.enter(r))
		}
	}
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Limits on how long a request may take to come and to be answered.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 20 * time.Second
	workTimeout   = 20 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
)

// HTTP returns a server for s that no slow or greedy peer can hold.
func (s *Server) HTTP() *http.Server {
	return &http.Server{
		Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// Start keeps fresh what pages are made from, until ctx ends. Requests may come before.
func (s *Server) Start(ctx context.Context) error { return s.consoles.Start(ctx) }

// Live answers that the process runs. For the inner listener.
func (s *Server) Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
}

// Ready answers whether requests can be served: the database answers within two seconds. For the inner listener.
func (s *Server) Ready() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := s.ping(ctx); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
}

// programme returns the programme in effect; nil before there is one.
func (s *Server) programme(ctx context.Context) (*migration.Programme, error) {
	p, err := s.kit.Programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil, nil
	}
	return p, err
}
