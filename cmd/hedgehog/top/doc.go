// Package top shows the cluster live on a terminal, as one of its nodes tells it on
// GET /live, and carries out what keys ask for.
//
// A follower (one goroutine, and one for each call that it waits for) follows a node,
// and another one of the cluster when that does not answer. It hands what it is told
// to the screen, whose only goroutine is bubbletea's: State is what is known, model
// adds what the user sees of it and does. Run starts both and waits for both; Once
// takes one look, without a screen.
package top
