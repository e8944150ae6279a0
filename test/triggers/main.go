// Command triggers reads lines of JSON, each {"listener", "headers", "body"}: an EventListener of Tekton Triggers, and a request to
// it. It answers each with {"problems", "created"}: why Triggers' own webhook would refuse the listener, or what its Triggers make
// of the request. Interceptors other than "cel", and references to objects elsewhere, are not played.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/tektoncd/triggers/pkg/apis/triggers/v1beta1"
	"github.com/tektoncd/triggers/pkg/interceptors"
	"github.com/tektoncd/triggers/pkg/interceptors/cel"
	"github.com/tektoncd/triggers/pkg/template"
)

type question struct {
	Listener json.RawMessage   `json:"listener"`
	Headers  map[string]string `json:"headers"`
	Body     json.RawMessage   `json:"body"`
}

type answer struct {
	Problems string            `json:"problems,omitempty"`
	Created  []json.RawMessage `json:"created"`
}

// listenerIn reads an EventListener, refusing unknown fields, and defaults and validates it as Triggers' webhook does.
func listenerIn(ctx context.Context, raw []byte) (*v1beta1.EventListener, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	listener := &v1beta1.EventListener{}
	if err := decoder.Decode(listener); err != nil {
		return nil, err
	}
	listener.SetDefaults(ctx)
	if err := listener.Validate(ctx); err != nil {
		return nil, err
	}
	return listener, nil
}

// continues says whether the interceptors of a trigger let a request through.
func continues(ctx context.Context, namespace string, trigger v1beta1.EventListenerTrigger, body []byte, headers http.Header) (bool, error) {
	for _, each := range trigger.Interceptors {
		if each.GetName() != "cel" {
			return false, fmt.Errorf("the interceptor %q is not played here", each.GetName())
		}
		request := &v1beta1.InterceptorRequest{
			Body:              string(body),
			Header:            headers,
			InterceptorParams: interceptors.GetInterceptorParams(each),
			Context:           &v1beta1.TriggerContext{EventID: "1", TriggerID: "namespaces/" + namespace + "/triggers/" + trigger.Name},
		}
		response := cel.NewInterceptor(nil).Process(ctx, request)
		if !response.Continue {
			if response.Status.Code.String() != "FailedPrecondition" {
				return false, fmt.Errorf("%s", response.Status.Message)
			}
			return false, nil
		}
	}
	return true, nil
}

func play(ctx context.Context, asked question) ([]json.RawMessage, error) {
	listener, err := listenerIn(ctx, asked.Listener)
	if err != nil {
		return nil, err
	}
	headers := http.Header{}
	for name, value := range asked.Headers {
		headers.Set(name, value)
	}
	created := []json.RawMessage{}
	for _, each := range listener.Spec.Triggers {
		through, err := continues(ctx, listener.Namespace, each, asked.Body, headers)
		if err != nil {
			return nil, err
		}
		if !through {
			continue
		}
		trigger := v1beta1.Trigger{Spec: v1beta1.TriggerSpec{Bindings: each.Bindings, Template: *each.Template}}
		resolved, err := template.ResolveTrigger(trigger, nil, nil, nil)
		if err != nil {
			return nil, err
		}
		params, err := template.ResolveParams(resolved, asked.Body, headers, nil, template.NewTriggerContext("1"))
		if err != nil {
			return nil, err
		}
		created = append(created, template.ResolveResources(resolved.TriggerTemplate, params)...)
	}
	return created, nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 4<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		created, err := play(context.Background(), asked)
		said := answer{Created: created}
		if err != nil {
			said.Problems = err.Error()
		}
		if err := out.Encode(said); err != nil {
			os.Exit(1)
		}
	}
}
