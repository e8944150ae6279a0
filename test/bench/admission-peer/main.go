// Program admission-peer is a validating webhook for Notifications on controller-runtime, which compiles their expressions with
// cel-go: admission-peer CERTIFICATES-FOLDER PORT. The first line of its standard input declares the variables of expressions,
// as test/cel-go has them. It serves until its standard input ends.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(certificates, portText string) error {
	port, err := strconv.Atoi(portText)
	if err != nil {
		return err
	}
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the first line declares no variables: %w", err)
	}
	var declared struct {
		Variables map[string]*typeDeclaration `json:"variables"`
	}
	if err := json.Unmarshal(line, &declared); err != nil {
		return err
	}
	environment, err := newEnvironment(declared.Variables)
	if err != nil {
		return err
	}
	ctrl.SetLogger(logr.Discard())
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(groupVersion, &Notification{})
	handler := &validator{decoder: admission.NewDecoder(scheme), environment: environment}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: port, CertDir: certificates})
	server.Register("/validate", &webhook.Admission{Handler: handler})
	return server.Start(ctx)
}
