package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/shopspring/decimal"

	"hedgehog/exchange"
)

const (
	// commandVersion changes with every change of what commands say or do: nodes
	// that apply one differently would no longer agree. A command is of the oldest
	// version that has all it says, so that older nodes follow as long as they can.
	commandVersion = 3
	// beforeTokens is the newest version that knows of no tokens.
	beforeTokens = 2
	// oldestCommand is the oldest version that is still understood: it knew of no
	// proposals.
	oldestCommand = 1
	// maxCommand is how long an encoded command may be, in bytes; assigning 3,000
	// symbols takes a tenth of it.
	maxCommand = 4 << 20
)

// Command is one change of the replicated state: exactly one field is set, beside
// Proposal and Term.
type Command struct {
	// Proposal is the name of the proposer's wish for this change, which is his alone.
	// Of the commands of one name the first one alone that changes something takes
	// effect, and the others get its Result: so it can be sent again, for some
	// seconds, when nobody knows what came of it. Empty: each takes effect.
	Proposal string `json:"proposal,omitempty"`
	// Term is the only term of the log in which the command may take effect, for
	// what the leader of that term has decided; ErrConflict in another. 0: any.
	Term uint64 `json:"term,omitempty"`
	// Seed gives those of the symbols that have none their settings of each kind,
	// all off, with the schema's defaults. Result.Applied is how many were new.
	Seed       []string          `json:"seed,omitempty"`
	Settings   *SettingsChange   `json:"settings,omitempty"`
	Assigned   *AssignedChange   `json:"assigned,omitempty"`
	Pin        *PinChange        `json:"pin,omitempty"`
	Member     *MemberChange     `json:"member,omitempty"`
	Assign     []Assignment      `json:"assign,omitempty"`
	Positions  *PositionsChange  `json:"positions,omitempty"`
	Watermarks *WatermarksChange `json:"watermarks,omitempty"`
	Token      *TokenChange      `json:"token,omitempty"`
}

// version returns the version of a command that is encoded.
func (c Command) version() int {
	if c.Token != nil {
		return commandVersion
	}
	return beforeTokens
}

// SettingsChange changes those settings of a symbol that are not nil. Switching
// anything on marks the symbol as assigned too. Result.Settings are the
// settings as they then are. ErrUnknownSymbol for a symbol without settings.
type SettingsChange struct {
	Symbol          string           `json:"symbol"`
	Streaming       *bool            `json:"streaming,omitempty"`
	Aggregating     *bool            `json:"aggregating,omitempty"`
	CollectTrades   *bool            `json:"collect_trades,omitempty"`
	CollectOrders   *bool            `json:"collect_orders,omitempty"`
	CollectOHLC     *bool            `json:"collect_ohlc,omitempty"`
	TradingStatus   *string          `json:"trading_status,omitempty"` // a TradingStatus
	Chunks          *int             `json:"chunks,omitempty"`
	Budget          *decimal.Decimal `json:"budget,omitempty"` // this and the following: see Trading
	BuyDownInterval *decimal.Decimal `json:"buy_down_interval,omitempty"`
	ProfitTarget    *decimal.Decimal `json:"profit_target,omitempty"`
	RebuyInterval   *decimal.Decimal `json:"rebuy_interval,omitempty"`
	// ExpectTradingStatus is what the status has to be for anything to change,
	// else ErrConflict; empty for any.
	ExpectTradingStatus string `json:"expect_trading_status,omitempty"`
}

// AssignedChange says whether some node is to run the symbols. ErrUnknownSymbol
// when one of them has no settings.
type AssignedChange struct {
	Symbols  []string `json:"symbols"`
	Assigned bool     `json:"assigned"`
	Weight   int      `json:"weight,omitempty"` // load relative to other symbols', 1 or more; 0 leaves it
}

// PinChange ties a symbol to a member, or to none when Node is empty.
// ErrUnknownSymbol, ErrUnknownNode, and ErrConflict for a member that drains.
type PinChange struct {
	Symbol string `json:"symbol"`
	Node   string `json:"node,omitempty"`
}

// MemberChange adds, changes or removes a member. With an address it is the
// member's own announcement, which adds one that is not there; without, it
// changes a known one, else ErrUnknownNode.
type MemberChange struct {
	Name     string          `json:"name"`
	Address  string          `json:"address,omitempty"` // TLS address, host:port; empty leaves address and zone as they are
	Zone     string          `json:"zone,omitempty"`    // empty for none
	Weight   int             `json:"weight,omitempty"`  // share of the load relative to other members', 1 or more; 0 leaves it, 1 at first
	Draining *bool           `json:"draining,omitempty"`
	Remove   bool            `json:"remove,omitempty"` // nothing else may be set beside the name
	Time     exchange.Micros `json:"time,omitempty"`   // when it joined, for one that is added
}

// Assignment says who runs a symbol. In a command it is a compare-and-set: it
// takes hold when Epoch is one more than the stored epoch (0 where there is
// none), or, for a change of Next alone, when Epoch, Node and Run are the stored
// ones. Others are skipped without an error; Result.Applied counts the rest.
type Assignment struct {
	Symbol string          `json:"symbol"`
	Node   string          `json:"node"`  // empty: nobody runs it
	Run    int64           `json:"run"`   // which life of the node
	Epoch  int64           `json:"epoch"` // above 0
	Since  exchange.Micros `json:"since"`
	Next   string          `json:"next,omitempty"` // the node that it is being handed to; empty for none
}

// PositionsChange stores positions as their owner has them. Those of a symbol
// whose assignment is not to Node with the epoch in Epochs change nothing: they
// come from an owner that is none any more. Result.Applied counts the others.
type PositionsChange struct {
	Node string `json:"node"`
	// Revision rises with every change that this life of the node proposes. One that
	// was held up on its way changes nothing where a later one has arrived. 0: it
	// counts whenever it comes.
	Revision  int64            `json:"revision,omitempty"`
	Epochs    map[string]int64 `json:"epochs"` // by symbol, of all that Positions has
	Positions []Position       `json:"positions"`
}

// WatermarksChange raises the trade id up to which the trades of a symbol are
// stored; it never goes down. Symbols are fenced as in PositionsChange, and
// counted likewise.
type WatermarksChange struct {
	Node       string           `json:"node"`
	Epochs     map[string]int64 `json:"epochs"` // by symbol, of all that Watermarks has
	Watermarks map[string]int64 `json:"watermarks"`
}

// envelope is an encoded command.
type envelope struct {
	Version int `json:"v"`
	Command
}

// Encode returns the command as it goes into the cluster's log, or ErrRefused
// with the field and value that is out of range.
func (c Command) Encode() ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	data, err := json.Marshal(envelope{Version: c.version(), Command: c})
	if err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	if len(data) > maxCommand {
		return nil, fmt.Errorf("encode command: %w: %d bytes, at most %d may be: split it", ErrRefused, len(data), maxCommand)
	}
	return data, nil
}

// DecodeCommand returns what Encode has encoded. Everything else is ErrRefused,
// or ErrNewerPeer for a command of a version that this release does not know.
func DecodeCommand(data []byte) (Command, error) {
	if len(data) > maxCommand {
		return Command{}, fmt.Errorf("decode command: %w: %d bytes, at most %d may be", ErrRefused, len(data), maxCommand)
	}
	var e envelope
	err := decodeStrictly(data, &e)
	if err != nil {
		// A newer version may have fields that are unknown here: its number, which
		// it still has, is the better reason.
		var probe struct {
			Version int `json:"v"`
		}
		if json.Unmarshal(data, &probe) == nil {
			e.Version = probe.Version
		}
	}
	switch {
	case e.Version > commandVersion:
		return Command{}, fmt.Errorf("decode command: %w: its version is %d and this release knows versions up to %d: install the newer release", ErrNewerPeer, e.Version, commandVersion)
	case err != nil:
		return Command{}, fmt.Errorf("decode command: %w: %w", ErrRefused, err)
	case e.Version < oldestCommand:
		return Command{}, fmt.Errorf("decode command: %w: version %d: want %d to %d", ErrRefused, e.Version, oldestCommand, commandVersion)
	}
	if err := e.Command.validate(); err != nil {
		return Command{}, fmt.Errorf("decode command: %w", err)
	}
	return e.Command, nil
}

// decodeStrictly reads one JSON value that has known fields alone.
func decodeStrictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more follows after %d bytes", d.InputOffset())
	}
	return nil
}
