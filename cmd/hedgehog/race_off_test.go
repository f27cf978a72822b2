//go:build !race

package main_test

import "time"

// pageTakeover is how soon the symbols of a killed node are elsewhere on the page.
const pageTakeover = 3 * time.Second
