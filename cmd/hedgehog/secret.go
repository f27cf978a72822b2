package main

import (
	"bytes"
	"fmt"
	"os"

	"hedgehog/exchange/binance"
)

// secretFromEnvironment returns the value of the environment variable name, or
// what the file holds that name_FILE names; empty where neither is set. Errors
// never show the value.
func secretFromEnvironment(name string) (binance.Secret, error) {
	value, path := os.Getenv(name), os.Getenv(name+"_FILE")
	switch {
	case path == "":
		return binance.Secret(value), nil
	case value != "":
		return "", fmt.Errorf("both %s and %[1]s_FILE are set: unset one", name)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	return binance.Secret(bytes.TrimSpace(content)), nil
}
