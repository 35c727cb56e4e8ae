// Package cli is the command line. It turns flags, environment and configuration file into a server ([app.Config]) or
// into calls of a running server's admin API. Each command has a file; the logic is in the packages that it calls.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"

	"registrar/engine"
	"registrar/internal/guard"
)

// The exit codes, of every command.
const (
	exitDone   = 0
	exitFailed = 1 // refused or failed
	exitUsage  = 2 // wrong usage: arguments, environment or configuration file
)

// A cli is the whole command line.
type cli struct {
	Config configFile `placeholder:"FILE" help:"${config}"`

	Serve      serveCommand       `cmd:"" help:"Run the server."`
	Check      checkCommand       `cmd:"" help:"${check}"`
	Health     healthCommand      `cmd:"" help:"${health}"`
	Migrate    migrateCommand     `cmd:"" help:"Migrate the database's schema and exit."`
	Script     scriptCommands     `cmd:"" help:"Inspect, test, upload and deploy scripts."`
	Client     clientCommands     `cmd:"" help:"Find, create, change, disable and delete registered clients."`
	Document   documentCommands   `cmd:"" help:"Show, pin and refresh metadata documents of clients."`
	Token      tokenCommands      `cmd:"" help:"Create, list and revoke initial access tokens."`
	AdminToken adminTokenCommands `cmd:"" help:"Create, list, revoke and reset the tokens of administrators."`
	Replica    replicaCommands    `cmd:"" help:"List the servers on the database."`
	Version    versionCommand     `cmd:"" help:"Print the version."`
	Help       helpCommand        `cmd:"" help:"Show help, also of a command: registrar help script push."`

	// CompileModule is for processes that this program starts itself; see [host.CompileChild].
	CompileModule compileCommand `cmd:"" hidden:""`
}

// helpCommand is in the list of commands only: run makes --help of it.
type helpCommand struct{}

// A console is where a command writes and asks.
type console struct {
	in       io.Reader // of the answers; used only if asks is set
	out, err io.Writer
	terminal bool // whether err is a terminal
	asks     bool // whether in and err are a terminal, so that a command may ask
}

// Main runs the command that the program's arguments name and returns the exit code. An interrupt or SIGTERM stops it.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var panics guard.Guard
	panics.Go(guard.Client, func() {
		<-ctx.Done()
		stop() // a second signal ends the program at once
	})
	terminal := isatty.IsTerminal(os.Stderr.Fd())
	return run(ctx, os.Args[1:], &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, terminal: terminal,
		asks: terminal && isatty.IsTerminal(os.Stdin.Fd())})
}

// run runs one command and returns its exit code.
func run(ctx context.Context, args []string, c *console) int {
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	parser, err := newParser(&cli{}, c)
	if err != nil {
		fmt.Fprintln(c.err, "registrar:", err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if err != nil {
		return reportUsage(err, c)
	}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(readVariables(parser.Model.Node, os.Environ()))
	return report(command.Run(), c)
}

// newParser returns a parser that stores the command line in commands.
func newParser(commands *cli, c *console) (*kong.Kong, error) {
	return kong.New(commands,
		kong.Name("registrar"),
		kong.Description("Client registration for OAuth 2.0 and OpenID Connect (RFC 7591), scriptable in WebAssembly."),
		kong.DefaultEnvars("REGISTRAR"),
		kong.Writers(c.out, c.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Bind(c),
		kong.Vars{
			"deploy_file":    deployHelp,
			"database":       "sqlite:" + filepath.Join(stateFolder(), "registrar.db"),
			"grant_types":    strings.Join(engine.DefaultGrantTypes(), ","),
			"response_types": strings.Join(engine.DefaultResponseTypes(), ","),
			"signing_algs":   strings.Join(engine.DefaultSigningAlgs(), ","),
		},
		kong.PostBuild(putHelp))
}

// usageError marks an error as the user's: run exits with exitUsage.
type usageError struct{ error }

// Unwrap returns the marked error.
func (e usageError) Unwrap() error { return e.error }

func isUsage(err error) bool {
	_, ok := errors.AsType[usageError](err)
	return ok
}

// exited carries an exit code for a command that has already printed its result.
type exited int

func (e exited) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// report prints err, if there is one to print, and returns the exit code.
func report(err error, c *console) int {
	if err == nil {
		return exitDone
	}
	if code, ok := errors.AsType[exited](err); ok {
		return int(code)
	}
	fmt.Fprintln(c.err, "registrar:", printableLines(err.Error()))
	if isUsage(err) {
		return exitUsage
	}
	return exitFailed
}

// reportUsage prints why parsing the arguments failed and returns the exit code.
func reportUsage(err error, c *console) int {
	fmt.Fprintln(c.err, "registrar:", printableLines(err.Error()))
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok || parse.Context == nil {
		return exitUsage
	}
	help := "registrar"
	if selected := parse.Context.Selected(); selected != nil {
		help = selected.FullPath()
	}
	fmt.Fprintf(c.err, "Run %s --help for usage.\n", help)
	return exitUsage
}
