package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hedgehog/node/metrics"
)

func TestFiguresThatCanNotBeReadLeaveTheOthersThere(t *testing.T) {
	var log strings.Builder
	m := metrics.New(time.Now, func(context.Context) (metrics.Figures, error) {
		return metrics.Figures{Cluster: metrics.Cluster{Owned: 3}}, errors.New("disk on fire")
	}, slog.New(slog.NewTextHandler(&log, nil)))
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if answer.Code != 200 || !strings.Contains(answer.Body.String(), "\nhedgehog_symbols_owned 3\n") {
		t.Errorf("status %d, %s", answer.Code, answer.Body)
	}
	if !strings.Contains(log.String(), "disk on fire") || strings.Contains(answer.Body.String(), "fire") {
		t.Errorf("the log does not say why, or the answer does:\n%s", log.String())
	}
}
