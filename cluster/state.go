package cluster

import (
	"errors"
	"time"
)

// State is the replicated state as far as this package is concerned, at one
// index of the log. It is shared and never changed.
type State struct {
	// Index is the log's index up to which the state has been applied.
	Index       uint64
	Members     map[string]Member
	Symbols     map[string]Symbol
	Assignments map[string]Assignment
}

// Member is what is decided about a node.
type Member struct {
	Name     string
	Zone     string
	Weight   int  // share of the symbols that it takes, 1 where nothing was said
	Draining bool // it is to own nothing
}

// Symbol is what is decided about a symbol.
type Symbol struct {
	Name     string
	Assigned bool // some node shall own it
	Weight   int  // how much work it is, 1 where nothing was said
	Pin      string
}

// Assignment says who owns a symbol.
type Assignment struct {
	Symbol string
	// Node and Run name the owner and which of its lives; empty: nobody.
	Node string
	Run  int64
	// Epoch rises with every change of the owner.
	Epoch uint64
	Since time.Time
	// Next is the node that the symbol is being handed to; empty: none.
	Next string
}

// Peer is a node that is there, as gossip sees it.
type Peer struct {
	Name    string
	Address string // where its TLS port is
	Zone    string
	// Run tells the lives of a node apart: when it started.
	Run int64
}

// Renewal is how a node asks to go on.
type Renewal struct {
	Node string `json:"node"`
	Run  int64  `json:"run"`
	// Ready are the symbols that are being handed to the node and that it follows.
	Ready []string `json:"ready,omitempty"`
	// Released are the symbols, with their epochs, that it has stopped acting for
	// because it was told to.
	Released map[string]uint64 `json:"released,omitempty"`
	// Leaving says that the node stops and wants nothing any more.
	Leaving bool `json:"leaving,omitempty"`
}

// Grant is the leader's answer to a Renewal.
type Grant struct {
	Term uint64 `json:"term"`
	// Covered are the symbols, with their epochs, that the node may act for until
	// one lease after it sent the renewal.
	Covered map[string]uint64 `json:"covered,omitempty"`
	// Revoked are those that it has to give up, and to confirm that it has.
	Revoked map[string]uint64 `json:"revoked,omitempty"`
}

var (
	// ErrNotLeader is returned by a node that does not lead, or not for certain.
	ErrNotLeader = errors.New("not the leader")

	// ErrUnknownMember is returned for a renewal by a node, or a life of one, that
	// gossip does not show as living.
	ErrUnknownMember = errors.New("not a living member")
)
