// Command hedgehog is the command line of the trading bot: it runs a node or a
// simulated exchange in the foreground, and talks to a running node through its
// HTTP interface.
//
// It owns flags, output and exit codes and nothing else. What a command prints
// for people is a table or plain sentences and may change; what it prints with
// --json is the node's own answer and is what scripts read. Errors are one line
// each on the standard error stream.
package main
