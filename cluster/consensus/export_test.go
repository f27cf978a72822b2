package consensus

// NextStep is nextStep as tests see it: what it does in a word, and to whom.
func NextStep(current, want []Server, self string, healthy map[string]bool) (kind string, server Server) {
	s := nextStep(current, want, self, healthy)
	return s.kind.String(), s.server
}

// ValidateServers tells whether servers can be a group.
var ValidateServers = validateServers
