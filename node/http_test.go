package node

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hedgehog/node/access"
)

// A handler that is cut off answers that, for an empty answer reads as success: what
// was asked for would count as acknowledged.
func TestARequestThatTheNodesEndCutsOffIsNotAnsweredWithSuccess(t *testing.T) {
	n := &Node{log: slog.New(slog.DiscardHandler)}
	mux := http.NewServeMux()
	n.route(mux, []endpoint{{"POST /change", access.None, func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	}}})
	ctx, cut := context.WithCancel(t.Context())
	cut()
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodPost, "/change", nil))
	if answer.Code != http.StatusServiceUnavailable || !strings.Contains(answer.Body.String(), "not known") {
		t.Errorf("answered %d %s, want 503 that says that the outcome is not known", answer.Code, answer.Body)
	}
}
