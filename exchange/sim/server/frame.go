package server

import (
	"encoding/binary"
	"strconv"

	"github.com/gorilla/websocket"

	"hedgehog/exchange"
)

// appendFrame appends a whole websocket frame (RFC 6455, section 5.2) to b:
// final, unmasked as a server's frames are. Frames are put together here and not
// by the websocket library, which makes one write of each: with many frames to a
// write a client takes 577,000 trades a second over loopback, with one 193,000
// (BenchmarkStream). Reading, with its checks, is the library's.
func appendFrame(b []byte, opcode byte, payload []byte) []byte {
	b = appendHeader(b, opcode, len(payload))
	return append(b, payload...)
}

func appendHeader(b []byte, opcode byte, length int) []byte {
	const final = 0x80
	b = append(b, final|opcode)
	switch {
	case length < 126:
		return append(b, byte(length))
	case length <= 0xffff:
		b = append(b, 126)
		return binary.BigEndian.AppendUint16(b, uint16(length))
	default:
		b = append(b, 127)
		return binary.BigEndian.AppendUint64(b, uint64(length))
	}
}

// appendTradeFrame appends a trade as a text frame. Nearly all payloads have 126
// bytes or more, so room for a header of four is left before the payload.
func appendTradeFrame(b []byte, t *exchange.TradeEvent, combined bool, unit timeUnit) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = appendTrade(b, t, combined, unit)
	payload := b[start+4:]
	b = appendHeader(b[:start], websocket.TextMessage, len(payload))
	return append(b, payload...) // in place, or two bytes down
}

// appendTrade appends the payload of a trade, raw or with its stream's name
// around it.
func appendTrade(b []byte, t *exchange.TradeEvent, combined bool, unit timeUnit) []byte {
	if combined {
		b = append(b, `{"stream":"`...)
		b = appendLower(b, t.Symbol)
		b = append(b, `@trade","data":`...)
	}
	b = append(b, `{"e":"trade","E":`...)
	b = strconv.AppendInt(b, unit.of(t.EventTime), 10)
	b = append(b, `,"s":"`...)
	b = append(b, t.Symbol...)
	b = append(b, `","t":`...)
	b = strconv.AppendInt(b, t.ID, 10)
	b = append(b, `,"p":"`...)
	b = appendFixed(b, t.Price)
	b = append(b, `","q":"`...)
	b = appendFixed(b, t.Quantity)
	b = append(b, `","T":`...)
	b = strconv.AppendInt(b, unit.of(t.TradeTime), 10)
	b = append(b, `,"m":`...)
	b = strconv.AppendBool(b, t.BuyerIsMaker)
	b = append(b, `,"M":true}`...)
	if combined {
		b = append(b, '}')
	}
	return b
}

// appendLower appends a symbol's name in lower case, as streams are named.
func appendLower(b []byte, symbol string) []byte {
	for _, c := range []byte(symbol) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}
