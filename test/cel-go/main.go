// Command cel-go evaluates CEL expressions with cel-go in an environment that its caller declares.
//
// The first line of its standard input is {"variables": {name: type}}, types as src/filter describes them. Each further line
// is {"expression", "event"} and is answered with one line: {"accepted", "refusal", "type", "value", "error"}.
// `cel-go bench` times evaluations instead, see bench.go.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"cel.dev/cel-go/cel"
)

type declaration struct {
	Variables map[string]*typeDeclaration `json:"variables"`
}

type request struct {
	Expression string          `json:"expression"`
	Event      json.RawMessage `json:"event"`
}

type answer struct {
	Accepted bool   `json:"accepted"`
	Refusal  string `json:"refusal,omitempty"`
	Type     string `json:"type,omitempty"`
	// A pointer, so that null is told apart from no value.
	Value *any   `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

func main() {
	log.SetFlags(0)
	if err := serve(); err != nil {
		log.Fatal(err)
	}
}

func serve() error {
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	out := bufio.NewWriter(os.Stdout)
	requests := json.NewDecoder(in)
	answers := json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	var declared declaration
	if err := requests.Decode(&declared); err != nil {
		return fmt.Errorf("the first line declares no variables: %w", err)
	}
	environment, err := newEnvironment(declared.Variables)
	if err != nil {
		return err
	}
	if len(os.Args) > 1 && os.Args[1] == "bench" {
		return runBench(environment, requests, answers, out.Flush)
	}
	for requests.More() {
		var asked request
		if err := requests.Decode(&asked); err != nil {
			return fmt.Errorf("not a request: %w", err)
		}
		given, err := environment.answer(asked)
		if err != nil {
			return err
		}
		if err := answers.Encode(given); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (e *environment) answer(asked request) (answer, error) {
	ast, issues := e.env.Compile(asked.Expression)
	if issues.Err() != nil {
		return answer{Refusal: issues.Err().Error()}, nil
	}
	given := answer{Accepted: true, Type: typeText(ast.OutputType())}
	program, err := e.env.Program(ast)
	if err != nil {
		// The checker had no objection: what only the planner sees fails on every event.
		given.Error = err.Error()
		return given, nil
	}
	activation, err := e.activation(asked.Event)
	if err != nil {
		return answer{}, err
	}
	given.Value, given.Error = evaluate(program, activation)
	return given, nil
}

func evaluate(program cel.Program, activation map[string]any) (*any, string) {
	result, _, err := program.Eval(activation)
	if err != nil {
		return nil, err.Error()
	}
	value, err := toJSON(result)
	if err != nil {
		return nil, err.Error()
	}
	return &value, ""
}
