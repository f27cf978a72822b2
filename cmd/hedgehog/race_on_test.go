//go:build race

package main_test

import "time"

// pageTakeover is longer than without the race detector, which makes the nodes several
// times as slow.
const pageTakeover = 10 * time.Second
