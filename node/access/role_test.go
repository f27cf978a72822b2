package access_test

import (
	"testing"

	"hedgehog/node/access"
)

func TestARoleMayDoWhatTheLowerOnesMay(t *testing.T) {
	order := []access.Role{access.None, access.Read, access.Trade, access.Admin}
	for i, has := range order {
		for j, needed := range order {
			if has.Allows(needed) != (i >= j) {
				t.Errorf("%s allows what needs %s: %t", has, needed, has.Allows(needed))
			}
		}
	}
}

func TestRolesOfTokensAreNamed(t *testing.T) {
	for _, role := range []access.Role{access.Read, access.Trade, access.Admin} {
		if parsed, err := access.ParseRole(role.String()); err != nil || parsed != role {
			t.Errorf("parse %q: %v, %v", role, parsed, err)
		}
	}
	for _, name := range []string{"", "none", "Admin", "root"} {
		if role, err := access.ParseRole(name); err == nil {
			t.Errorf("parse %q: %v, want an error", name, role)
		}
	}
}
