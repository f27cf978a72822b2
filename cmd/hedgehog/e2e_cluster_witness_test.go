package main_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"hedgehog/exchange"
)

// What the nodes tell of themselves: their events and their logs.

var sinceEpoch = regexp.MustCompile(`^owned .*since epoch (\d+)`)

// listen takes from all running nodes what they know of who owned what.
func (c *cluster) listen() {
	c.t.Helper()
	for _, m := range c.running() {
		events, err := m.client.ClusterEvents(c.t.Context(), 1000)
		if err != nil && m.failing {
			continue
		}
		if err != nil {
			c.t.Fatal(err)
		}
		for _, e := range events {
			match := sinceEpoch.FindStringSubmatch(e.Text)
			if match == nil {
				continue
			}
			epoch, err := strconv.ParseUint(match[1], 10, 64)
			if err != nil {
				c.t.Fatal(err)
			}
			c.court.Assigned(e.TimeUS-exchange.Micros(m.ahead.Microseconds()), e.Symbol, e.Node, 0, epoch)
		}
	}
}

// restored waits until the running nodes have restored the traders of the
// symbols after the time, and returns how long after that the last one was.
func (c *cluster) restored(symbols []string, after time.Time) time.Duration {
	c.t.Helper()
	var last time.Time
	eventually(c.t, fmt.Sprintf("%v to be restored", symbols), func() bool {
		last = after
		done := make(map[string]bool)
		for _, m := range c.running() {
			for _, line := range m.logged("positions restored", after) {
				if !slices.Contains(symbols, line.Symbol) || done[line.Symbol] {
					continue
				}
				done[line.Symbol] = true
				if line.Time.After(last) {
					last = line.Time
				}
			}
		}
		return len(done) == len(symbols)
	})
	return last.Sub(after)
}

// logLine is a line of a process's log.
type logLine struct {
	Time   time.Time
	Msg    string
	Symbol string
}

// logged returns the lines with the message that were logged after the time.
func (d *daemon) logged(message string, after time.Time) []logLine {
	d.mu.Lock()
	defer d.mu.Unlock()
	var lines []logLine
	for _, text := range slices.Backward(d.log) {
		var line logLine
		if json.Unmarshal([]byte(text), &line) != nil {
			continue
		}
		if line.Time.Before(after) {
			break
		}
		if line.Msg == message {
			lines = append(lines, line)
		}
	}
	slices.Reverse(lines)
	return lines
}
