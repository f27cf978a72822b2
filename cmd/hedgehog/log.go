package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"
)

func logFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "log-level", Usage: "log from `LEVEL` on: debug, info, warn or error", Value: "info", EnvVars: []string{"HEDGEHOG_LOG_LEVEL"}},
		&cli.StringFlag{Name: "log-format", Usage: "log as `FORMAT`: text, json, or auto (text on a terminal, JSON elsewhere)", Value: "auto", EnvVars: []string{"HEDGEHOG_LOG_FORMAT"}},
	}
}

// logger returns the log that the flags ask for, on the standard error stream.
func (p *program) logger(c *cli.Context) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log-level"))); err != nil {
		return nil, wrongUsage(c, "--log-level %q: want debug, info, warn or error", c.String("log-level"))
	}
	options := &slog.HandlerOptions{Level: level}
	format := c.String("log-format")
	if format == "auto" {
		format = "json"
		if isTerminal(p.stderr) {
			format = "text"
		}
	}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(p.stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(p.stderr, options)), nil
	default:
		return nil, wrongUsage(c, "--log-format %q: want auto, text or json", format)
	}
}

// isTerminal says whether w is a device that shows characters to somebody.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	stat, err := file.Stat()
	return err == nil && stat.Mode()&os.ModeCharDevice != 0
}
