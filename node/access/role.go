package access

import "fmt"

// Role is what a caller may do. A higher one may do all that a lower one may.
type Role int

const (
	// None is nobody in particular: it may see the page's files, log in, and ask
	// whether the node lives.
	None Role = iota
	// Read sees everything that is not secret, and changes nothing.
	Read
	// Trade switches parts of symbols on and off, changes their settings, plays stored
	// trades and has the node compute.
	Trade
	// Admin changes the cluster and says who may do what.
	Admin
)

var roleNames = [...]string{None: "none", Read: "read", Trade: "trade", Admin: "admin"}

// String returns the role's name as the API spells it.
func (r Role) String() string {
	if r < None || r > Admin {
		return fmt.Sprintf("Role(%d)", int(r))
	}
	return roleNames[r]
}

// Allows says whether who has the role may do what needs another.
func (r Role) Allows(needed Role) bool { return r >= needed }

// ParseRole returns the role of that name, which is read, trade or admin: what a
// token can be of.
func ParseRole(name string) (Role, error) {
	for role := Read; role <= Admin; role++ {
		if roleNames[role] == name {
			return role, nil
		}
	}
	return None, fmt.Errorf("role %q: want read, trade or admin", name)
}
