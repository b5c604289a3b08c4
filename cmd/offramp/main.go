// Command offramp is the one production binary: the portal, its workers, and what operators need around them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones by name, also where the machine has none

	"github.com/alecthomas/kong"

	"offramp/internal/config"
)

// commands is the command line.
type commands struct {
	Serve   serveCmd   `cmd:"" help:"Run the portal's web side."`
	Work    workCmd    `cmd:"" help:"Run a worker: exports, mails, deliveries, sweeping."`
	Schema  schemaCmd  `cmd:"" help:"Bring the database to the schema of this version, or say what is missing."`
	Apply   applyCmd   `cmd:"" help:"Check a programme file, show what would change and who must be told, and store it."`
	Import  importCmd  `cmd:"" help:"Import customers and contacts from a CSV file or the programme's query."`
	Verify  verifyCmd  `cmd:"" help:"Prove a downloaded archive against its manifest and receipt."`
	Doctor  doctorCmd  `cmd:"" help:"Check everything that the configuration names, and say what to mend."`
	Queue   queueCmd   `cmd:"" help:"Show, pause and resume the queues that exports wait in."`
	Sinks   sinksCmd   `cmd:"" help:"Show where status changes go and how that fares, and send again what did not arrive."`
	People  peopleCmd  `cmd:"" help:"Find people, end their sessions, and disable or enable their access."`
	Audit   auditCmd   `cmd:"" help:"Check the audit log, and sign its end."`
	Version versionCmd `cmd:"" help:"Print the version of this binary."`
}

// console is what a command may touch of the outside: bound by kong to its Run.
type console struct {
	ctx     context.Context
	out     io.Writer
	err     io.Writer
	in      io.Reader
	environ []string
}

func (c *console) printf(format string, args ...any) { fmt.Fprintf(c.out, format, args...) }

// config loads the configuration for a command.
func (c *console) config(command string) (config.Config, error) {
	return config.Load(c.environ, command)
}

// errSilent ends a command with status 1 after it has said itself what is wrong.
var errSilent = errors.New("")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], &console{ctx: ctx, out: os.Stdout, err: os.Stderr, in: os.Stdin, environ: os.Environ()})
	stop()
	os.Exit(code)
}

// run executes one command line and returns the process's exit status: 0 done, 1 failed, 2 misused.
func run(ctx context.Context, args []string, c *console) int {
	c.ctx = ctx
	code := -1
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("offramp"),
		kong.Description("A self-service migration portal for products that are being retired."),
		kong.Writers(c.out, c.err),
		kong.Exit(func(status int) { code = status }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(c.err, "offramp:", err)
		return 1
	}
	parsed, err := parser.Parse(args)
	if code >= 0 { // help was printed
		return code
	}
	if err != nil {
		fmt.Fprintln(c.err, "offramp:", err)
		fmt.Fprintf(c.err, "Try: offramp %s--help\n", selected(err))
		return 2
	}
	switch err := explain(parsed.Run(c)); {
	case err == nil:
		return 0
	case errors.Is(err, errSilent):
		return 1
	default:
		fmt.Fprintln(c.err, "offramp:", err)
		return 1
	}
}

// selected is the command that a misused command line had got to, with a space after it.
func selected(err error) string {
	var misuse *kong.ParseError
	if !errors.As(err, &misuse) {
		return ""
	}
	command := ""
	for _, p := range misuse.Context.Path {
		if p.Command != nil {
			command += p.Command.Name + " "
		}
	}
	return command
}
