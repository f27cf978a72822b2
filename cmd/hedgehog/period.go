package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"hedgehog/exchange"
)

// periodFlags returns the flags that bound a period; periodOf reads them.
func periodFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "from", Usage: "from `TIME` on: a date, which begins at midnight UTC, or RFC 3339", DefaultText: "from the beginning"},
		&cli.StringFlag{Name: "to", Usage: "up to `TIME`, which is left out: --to 2019-10-12 ends with the 11th", DefaultText: "to the end"},
	}
}

// periodOf returns the period that the flags bound: from is in it, to is not.
// Either is 0 where its flag is not given, and then sets no bound.
func periodOf(c *cli.Context) (from, to exchange.Micros, err error) {
	if from, err = timeOf(c, "from"); err != nil {
		return 0, 0, err
	}
	if to, err = timeOf(c, "to"); err != nil {
		return 0, 0, err
	}
	if to != 0 && to <= from {
		return 0, 0, wrongUsage(c, "--to %s: want a time after --from %s", c.String("to"), c.String("from"))
	}
	return from, to, nil
}

// timeOf reads a flag with a time after 1970; 0 where it is not given.
func timeOf(c *cli.Context, flag string) (exchange.Micros, error) {
	text := c.String(flag)
	if !c.IsSet(flag) {
		return 0, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t, err = time.Parse(time.RFC3339, text)
	}
	at := exchange.MicrosOf(t)
	if err != nil || at <= 0 {
		return 0, wrongUsage(c, "--%s %q: want a date such as 2019-10-11 or a time such as 2019-10-11T08:30:00Z", flag, text)
	}
	return at, nil
}
