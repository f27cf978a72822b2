// Package assign plans which member of the cluster runs which symbol. It is
// pure: Plan is a function from members, symbols and current owners to new
// owners, the same for the same input in whatever order. The leader's controller
// calls it; nothing runs here.
//
// A member's share of the load is total × its weight / all weights, where total
// is the sum of the symbols' weights. Plan keeps the promises below for symbols
// of weight 1; heavier ones come in lumps, and no plan can be more even than
// they allow.
//
//   - Each symbol has one member that is there, none only when nobody is.
//   - Each member has its share, rounded down or up. There is no further slack:
//     with a slack of a tenth, the eleventh member would stay without work.
//   - Removing a member moves its symbols only; adding one moves as many symbols
//     as its share, rounded down. Where members' weights differ, rounding may
//     move one more for each member.
//   - A symbol pinned to a member that is there runs there. Members with more
//     pinned symbols than their share get no others.
//   - Draining members get nothing while another is there.
//   - Where members have zones, symbols that need a new member and fit several
//     go to the zone with the least load for its weight. No symbol moves for
//     the sake of zones.
//
// Among the members with room a symbol goes to the one with its highest
// rendezvous score, a hash of both names: what a lost member leaves is scattered
// over the others, and it gets most of that again when it comes back.
package assign
