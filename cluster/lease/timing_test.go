package lease_test

import (
	"strings"
	"testing"
	"time"

	"hedgehog/cluster/lease"
)

func TestProfilesAreValid(t *testing.T) {
	for name, timing := range map[string]lease.Timing{"local": lease.Local(), "lan": lease.LAN(), "wan": lease.WAN()} {
		if err := timing.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateNamesWhatDoesNotHold(t *testing.T) {
	tests := []struct {
		name   string
		change func(*lease.Timing)
		want   []string // all in the error; none: valid
	}{
		{"no renewal", func(t *lease.Timing) { t.Renew = 0 }, []string{"Renew 0s"}},
		{"negative window", func(t *lease.Timing) { t.RecvWindow = -time.Second }, []string{"RecvWindow -1s"}},
		{"lease for ever", func(t *lease.Timing) { t.Lease = 1 << 62 }, []string{"Lease ", "at most 5m0s"}},
		{"two fields", func(t *lease.Timing) { t.Renew, t.Margin = 0, 0 }, []string{"Renew 0s", "Margin 0s"}},
		{
			"lease that a lost renewal uses up",
			func(t *lease.Timing) { t.Lease = 900 * time.Millisecond },
			[]string{"Lease 900ms", "2 × Renew 250ms", "RecvWindow 400ms", "900ms"},
		},
		{"lease just long enough", func(t *lease.Timing) { t.Lease = 900*time.Millisecond + 1 }, nil},
		{
			"margin that drift uses up",
			func(t *lease.Timing) { t.Margin = 2 * time.Millisecond },
			[]string{"Margin 2ms", "at least 2.404ms", "Lease 1.2s"},
		},
		{"margin just wide enough", func(t *lease.Timing) { t.Margin = 2405 * time.Microsecond }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			timing := lease.Local()
			tt.change(&timing)
			err := timing.Validate()
			if (err == nil) != (len(tt.want) == 0) {
				t.Fatalf("got error %v, want one: %t", err, len(tt.want) > 0)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}
