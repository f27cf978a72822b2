package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"

	"hedgehog/node/api"
)

// Config says what Run needs.
type Config struct {
	// Client is of the node to begin with; others of the cluster are asked with the
	// same token when it does not answer.
	Client *api.Client
	// Zone is what times are shown in.
	Zone *time.Location
	// Output is the terminal; keys come from the program's standard input, or from the
	// terminal where that is something else.
	Output io.Writer
}

// Run shows the cluster until its user quits or ctx ends, neither of which is an
// error. It fails where the node refuses access, and where there is no terminal.
func Run(ctx context.Context, c Config) error {
	ctx, stop := context.WithCancel(ctx)
	var screen *tea.Program
	f := newFollower(c.Client, usualPace(), func(what any) { screen.Send(what) })
	m := &model{State: newState(c.Client.Address()), watch: f.watch, zone: c.Zone, now: time.Now()}
	m.call = func(what request) tea.Cmd {
		node := m.client
		return func() tea.Msg { return what(ctx, node) }
	}
	options := []tea.ProgramOption{tea.WithContext(ctx), tea.WithOutput(c.Output), tea.WithoutSignalHandler()}
	if os.Getenv("NO_COLOR") != "" { // whatever it says; bubbletea wants a yes
		options = append(options, tea.WithColorProfile(colorprofile.Ascii))
	}
	screen = tea.NewProgram(m, options...)
	var following sync.WaitGroup
	defer following.Wait()
	defer stop()
	following.Go(func() { f.run(ctx) })
	_, err := screen.Run()
	switch {
	case m.refused != nil:
		return m.refused
	case err != nil && ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled):
		return nil
	case err != nil:
		return fmt.Errorf("terminal: %w", err)
	}
	return nil
}

// IsTerminal says whether w is a terminal, on which Run can show something.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(term.File)
	return ok && term.IsTerminal(file.Fd())
}
