package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"
)

// The benchmark: `cel-go bench` reads, after the declaration, commands of one line each and answers each with one line.
//
//	{"load": {"expressions": [...], "events": [...], "compilations": n}} compiles, converts the events, and answers
//	    {"programs": [{"microseconds", "error", "results"}], "bytes": n}
//	{"time": {"groups": [[program, ...], ...], "nanoseconds": n}} evaluates the programs of each group in turn on each event in
//	    turn until the time is over, and answers {"passes": n, "nanoseconds": [of each group]}
type command struct {
	Load *loadCommand `json:"load"`
	Time *timeCommand `json:"time"`
}

type loadCommand struct {
	Expressions []string          `json:"expressions"`
	Events      []json.RawMessage `json:"events"`
	// How often each expression is compiled; the median counts.
	Compilations int `json:"compilations"`
}

type timeCommand struct {
	Groups      [][]int `json:"groups"`
	Nanoseconds int64   `json:"nanoseconds"`
}

type loadedProgram struct {
	Microseconds float64 `json:"microseconds"`
	Error        string  `json:"error,omitempty"`
	// "true", "false" or "error", by event.
	Results []string `json:"results"`
}

type loaded struct {
	Programs []loadedProgram `json:"programs"`
	// Of the heap, for all programs.
	Bytes int64 `json:"bytes"`
}

type timing struct {
	Passes      int64   `json:"passes"`
	Nanoseconds []int64 `json:"nanoseconds"`
}

type bench struct {
	environment *environment
	programs    []cel.Program
	// What Eval is fastest with: a frame that is made once, over variables that have been converted.
	frames []*interpreter.ExecutionFrame
}

func runBench(environment *environment, requests *json.Decoder, answers *json.Encoder, flush func() error) error {
	b := &bench{environment: environment}
	for {
		var asked command
		if err := requests.Decode(&asked); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("not a command: %w", err)
		}
		answer, err := b.run(asked)
		if err != nil {
			return err
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
	}
}

func (b *bench) run(asked command) (any, error) {
	switch {
	case asked.Load != nil:
		return b.load(asked.Load)
	case asked.Time != nil:
		return b.time(asked.Time)
	default:
		return nil, errors.New("a command without a name")
	}
}

func (b *bench) load(asked *loadCommand) (any, error) {
	b.frames, b.programs = nil, nil
	for _, event := range asked.Events {
		variables, err := b.environment.activation(event)
		if err != nil {
			return nil, err
		}
		frame, err := interpreter.NewExecutionFrame(variables)
		if err != nil {
			return nil, err
		}
		b.frames = append(b.frames, frame)
	}
	answer := loaded{Programs: make([]loadedProgram, len(asked.Expressions))}
	before := heap()
	for index, expression := range asked.Expressions {
		program, microseconds, err := b.compile(expression, asked.Compilations)
		if err != nil {
			answer.Programs[index].Error = err.Error()
		}
		answer.Programs[index].Microseconds = microseconds
		b.programs = append(b.programs, program)
	}
	answer.Bytes = heap() - before
	for index, program := range b.programs {
		if program != nil {
			answer.Programs[index].Results = b.results(program)
		}
	}
	return answer, nil
}

func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func (b *bench) compile(expression string, times int) (cel.Program, float64, error) {
	var program cel.Program
	took := []time.Duration{}
	for range max(1, times) {
		start := time.Now()
		ast, issues := b.environment.env.Compile(expression)
		if issues.Err() != nil {
			return nil, 0, issues.Err()
		}
		made, err := b.environment.env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			return nil, 0, err
		}
		took = append(took, time.Since(start))
		program = made
	}
	slices.Sort(took)
	return program, float64(took[len(took)/2].Nanoseconds()) / 1000, nil
}

func (b *bench) results(program cel.Program) []string {
	results := []string{}
	for _, frame := range b.frames {
		value, _, err := program.Eval(frame)
		switch {
		case err == nil && value == types.True:
			results = append(results, "true")
		case err == nil && value == types.False:
			results = append(results, "false")
		default:
			results = append(results, "error")
		}
	}
	return results
}

// seen keeps results from being left out as unused.
var seen int64

func (b *bench) time(asked *timeCommand) (any, error) {
	groups := make([][]cel.Program, len(asked.Groups))
	evaluations := 0
	for index, group := range asked.Groups {
		for _, program := range group {
			groups[index] = append(groups[index], b.programs[program])
		}
		evaluations += len(group)
	}
	// The clock is read seldom enough not to be what is timed.
	rounds := max(1, 2000/(evaluations*len(b.frames)))
	answer := timing{Nanoseconds: make([]int64, len(groups))}
	for begin := time.Now(); time.Since(begin).Nanoseconds() < asked.Nanoseconds; answer.Passes += int64(rounds) {
		if len(groups) == 1 {
			start := time.Now()
			for range rounds {
				for _, frame := range b.frames {
					evaluateAll(groups[0], frame)
				}
			}
			answer.Nanoseconds[0] += time.Since(start).Nanoseconds()
			continue
		}
		for range rounds {
			for _, frame := range b.frames {
				for index, group := range groups {
					start := time.Now()
					evaluateAll(group, frame)
					answer.Nanoseconds[index] += time.Since(start).Nanoseconds()
				}
			}
		}
	}
	return answer, nil
}

func evaluateAll(programs []cel.Program, frame *interpreter.ExecutionFrame) {
	for _, program := range programs {
		if value, _, err := program.Eval(frame); err == nil && value == types.True {
			seen++
		}
	}
}
